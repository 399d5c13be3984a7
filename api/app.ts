/** Puts the app together from its configuration and an engine; holds every option of Fastify, never listens, never reads the environment. */

import { constants } from "node:zlib";
import compress from "@fastify/compress";
import Fastify, { type FastifyInstance, LogController } from "fastify";
import { DataFusionEngineError, type Engine, type IncomingRows, type Query } from "../engine/index.js";
import { type App, resources } from "../routes/index.js";
import { type ResultFormat, schemas } from "../schemas/generated/index.js";
import { addBodyParsers } from "./body-parsers.js";
import type { AppConfig } from "./config.js";
import { addDocs } from "./docs.js";
import { incomingRows } from "./incoming-rows.js";
import { stringifyJson } from "./json.js";
import { sendProblem } from "./problem.js";
import { requestId } from "./request-id.js";
import { sendResult } from "./result.js";
import { resultFormat } from "./result-format.js";
import { traceId } from "./trace.js";
import { answerUnknownRoutes } from "./unknown-route.js";
import { answerUnreadable } from "./unreadable-request.js";
import { validatorCompiler } from "./validator.js";

declare module "fastify" {
  interface FastifyInstance {
    readonly engine: Engine;
  }
  interface FastifyContextConfig {
    /** The media types whose bodies the route takes as a stream of rows. */
    readonly streamed?: readonly string[];
  }
  interface FastifyRequest {
    /** The format that the client prefers for a result. */
    resultFormat(): ResultFormat;
    /** The rows that the body is; undefined where it is something else. */
    incomingRows(): IncomingRows | undefined;
  }
  interface FastifyReply {
    sendResult(query: Query): Promise<FastifyReply>;
  }
}

export interface AppOptions {
  readonly config: AppConfig;
  readonly engine: Engine;
}

/** An answer may be silent as long as its query may run. */
const silenceMarginMs = 30_000;
const compressible = /^(text\/|application\/(json|x-ndjson|problem\+json))/;

export async function buildApp({ config, engine }: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    clientErrorHandler: answerUnreadable,
    connectionTimeout: config.queryTimeoutMs + silenceMarginMs,
    forceCloseConnections: "idle",
    frameworkErrors: sendProblem,
    genReqId: requestId,
    // Node would answer without a body; `addRequestHooks` asks for it instead.
    http: { requireHostHeader: false },
    keepAliveTimeout: 72_000,
    logController: new LogController({ disableRequestLogging: true }),
    logger: { level: config.logLevel },
    requestIdHeader: false,
    // Rows may take as long as their sender keeps sending; other bodies have their own deadline.
    requestTimeout: 0,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256 },
  });
  app.setValidatorCompiler(validatorCompiler());
  app.setSerializerCompiler(() => stringifyJson);
  app.setReplySerializer(stringifyJson);
  app.setErrorHandler(sendProblem);
  addBodyParsers(app, config);
  for (const schema of schemas) app.addSchema(schema);
  addRequestHooks(app);
  answerUnknownRoutes(app);
  addDecorations(app, engine);
  await app.register(compress, {
    customTypes: compressible,
    encodings: ["br", "gzip"],
    brotliOptions: { flush: constants.BROTLI_OPERATION_FLUSH, params: { [constants.BROTLI_PARAM_QUALITY]: 4 } },
    zlibOptions: { flush: constants.Z_SYNC_FLUSH, level: 4 },
  });
  await addDocs(app);
  await app.register(async (scope) => {
    for (const resource of resources) resource(scope as unknown as App);
  });
  return app;
}

function addDecorations(app: FastifyInstance, engine: Engine): void {
  app.decorate("engine", engine);
  app.decorateRequest("resultFormat", function () {
    return resultFormat(this.headers);
  });
  app.decorateRequest("incomingRows", function () {
    return incomingRows(this);
  });
  app.decorateReply("sendResult", function (query) {
    return sendResult(this, query);
  });
}

function addRequestHooks(app: FastifyInstance): void {
  let closing = false;
  app.addHook("preClose", async () => {
    closing = true;
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
    const trace_id = traceId(request.headers.traceparent);
    if (trace_id !== undefined) request.log = request.log.child({ trace_id });
    if (closing) throw new DataFusionEngineError("The service is shutting down.", { code: "service_unavailable" });
    if (request.headers.host === undefined && request.raw.httpVersion === "1.1")
      throw new DataFusionEngineError("A request of HTTP/1.1 has a Host.", { code: "invalid_request" });
  });
}
