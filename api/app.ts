/** Puts the app together from its configuration and an engine; holds every option of Fastify, never listens, never reads the environment. */

import { constants } from "node:zlib";
import compress from "@fastify/compress";
import Fastify, { type FastifyInstance, type FastifyRequest, LogController } from "fastify";
import {
  DataFusionEngineError,
  type Encoding,
  type Engine,
  everybody,
  type IncomingRows,
  type PipelineFile,
  type Query,
  type QueryResult,
  type ResultFile,
  stringifyJson,
} from "../engine/index.js";
import { type App, resources } from "../routes/index.js";
import {
  type CachePolicy,
  type GraphFormat,
  type QueryRequest,
  type ResultFormat,
  type StoredFormat,
  schemas,
} from "../schemas/generated/index.js";
import { addAccess } from "./access.js";
import type { Authenticator } from "./authenticator.js";
import { addBodyParsers } from "./body-parsers.js";
import { cachePolicy } from "./cache-policy.js";
import { compressible } from "./compressible.js";
import type { AppConfig } from "./config.js";
import { addDocs } from "./docs.js";
import { graphFormat } from "./graph-format.js";
import { type CallerOf, HotAnswers } from "./hot-answers.js";
import { httpServer } from "./http-server.js";
import { incomingRows } from "./incoming-rows.js";
import { addMetrics } from "./metrics.js";
import { sendPipelineFile } from "./pipeline-file.js";
import { sendProblem } from "./problem.js";
import { requestId } from "./request-id.js";
import { type Sending, sendDocument, sendResult, sendRows, type Waiting } from "./result.js";
import { sendFile } from "./result-file.js";
import { resultFormat } from "./result-format.js";
import type { Style } from "./result-headers.js";
import { addSecurityHeaders } from "./security-headers.js";
import { tagCompressed } from "./tag-compressed.js";
import { traceId } from "./trace.js";
import { answerUnknownRoutes } from "./unknown-route.js";
import { answerUnreadable } from "./unreadable-request.js";
import { validatorCompiler } from "./validator.js";
import { preferredWait, waitingOf } from "./waiting.js";

declare module "fastify" {
  interface FastifyInstance {
    readonly engine: Engine;
    /** From now on only says how the service is. */
    refuseWork(): void;
    /** How many requests have not been answered to the end. */
    requestsUnderWay(): number;
  }
  interface FastifyContextConfig {
    /** The media types whose bodies the route takes as a stream of rows. */
    readonly streamed?: readonly string[];
  }
  interface FastifyRequest {
    /** The format that the client prefers for a result. */
    resultFormat(): ResultFormat;
    /** How the client prefers a graph to be written. */
    graphFormat(): GraphFormat;
    /** What the client asks of the result cache, by its body and by its headers. */
    cachePolicy(asked?: CachePolicy): CachePolicy;
    /** The rows that the body is; undefined where it is something else. */
    incomingRows(): IncomingRows | undefined;
  }
  interface FastifyReply {
    /** How long the client waits for the query that it asks for. */
    waiting(request: QueryRequest): Waiting;
    /** How long the client prefers to wait, in milliseconds; undefined where it doesn't say. */
    preferredWait(): number | undefined;
    /** Sends the result of a query with what is said about the query. */
    sendResult(query: Query, style: Style, sending?: Sending): Promise<FastifyReply>;
    /** Sends the result alone, for those who have it already not again. */
    sendDocument(query: Query, style: Style): Promise<FastifyReply>;
    /** Sends the file of a result; whether it could be read. */
    sendFile(format: StoredFormat, file: ResultFile): Promise<boolean>;
    /** Sends a file that a pipeline has written. */
    sendPipelineFile(file: PipelineFile): Promise<FastifyReply>;
    /** Sends the rows of a query that has ended. */
    sendRows(result: QueryResult, encoding: Encoding): FastifyReply;
  }
}

export interface AppOptions {
  readonly config: AppConfig;
  readonly engine: Engine;
  /** Finds out who asks; without one everybody may do everything. */
  readonly authenticator?: Authenticator | undefined;
}

/** An answer may be silent as long as its query may run. */
const silenceMarginMs = 30_000;
const keepAliveTimeout = 72_000;

export async function buildApp({ config, engine, authenticator }: AppOptions): Promise<FastifyInstance> {
  const hot = new HotAnswers(engine, config.hotBytes, callerOf(authenticator));
  const timeouts = { connectionTimeout: config.queryTimeoutMs + silenceMarginMs, keepAliveTimeout };
  const app = Fastify({
    clientErrorHandler: answerUnreadable,
    forceCloseConnections: "idle",
    frameworkErrors: sendProblem,
    genReqId: requestId,
    logController: new LogController({ disableRequestLogging: true }),
    logger: { level: config.logLevel },
    requestIdHeader: false,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256 },
    serverFactory: (handler) => httpServer(handler, hot, timeouts),
  });
  await addSecurityHeaders(app, config.origins);
  app.setValidatorCompiler(validatorCompiler());
  app.setSerializerCompiler(() => stringifyJson);
  app.setReplySerializer(stringifyJson);
  app.setErrorHandler(sendProblem);
  addBodyParsers(app, config);
  for (const schema of schemas) app.addSchema(schema);
  addRequestHooks(app, hot);
  addMetrics(app, engine, hot);
  answerUnknownRoutes(app);
  addAccess(app, authenticator);
  addDecorations(app, engine, hot);
  await app.register(compress, {
    customTypes: compressible,
    encodings: ["br", "gzip"],
    globalDecompression: false,
    brotliOptions: { flush: constants.BROTLI_OPERATION_FLUSH, params: { [constants.BROTLI_PARAM_QUALITY]: 4 } },
    zlibOptions: { flush: constants.Z_SYNC_FLUSH, level: 4 },
  });
  app.addHook("onRoute", (route) => {
    route.onSend = [...[route.onSend ?? []].flat(), tagCompressed];
  });
  await addDocs(app);
  await app.register(async (scope) => {
    for (const resource of resources) resource(scope as unknown as App);
  });
  return app;
}

function callerOf(authenticator: Authenticator | undefined): CallerOf {
  return authenticator === undefined ? () => everybody : (authorization) => authenticator.known(authorization);
}

function addDecorations(app: FastifyInstance, engine: Engine, hot: HotAnswers): void {
  app.decorate("engine", engine);
  app.decorateRequest("resultFormat", function () {
    return resultFormat(this.headers);
  });
  app.decorateRequest("graphFormat", function () {
    return graphFormat(this.headers);
  });
  app.decorateRequest("incomingRows", function () {
    return incomingRows(this);
  });
  app.decorateRequest("cachePolicy", function (asked) {
    return cachePolicy(this.headers, asked);
  });
  app.decorateReply("waiting", function (request) {
    return waitingOf(this, request);
  });
  app.decorateReply("preferredWait", function () {
    return preferredWait(this);
  });
  app.decorateReply("sendResult", function (query, style, sending) {
    return sendResult(this, query, style, sending);
  });
  app.decorateReply("sendDocument", function (query, style) {
    return sendDocument(this, query, style, hot);
  });
  app.decorateReply("sendFile", function (format, file) {
    return sendFile(this, format, file);
  });
  app.decorateReply("sendPipelineFile", function (file) {
    return sendPipelineFile(this, file);
  });
  app.decorateReply("sendRows", function (result, encoding) {
    return sendRows(this, result, encoding);
  });
}

/** Why a request is not looked at. */
function refusal({ headers, raw, url }: FastifyRequest, closing: boolean): DataFusionEngineError | undefined {
  if (closing && !url.startsWith("/health/"))
    return new DataFusionEngineError("The service is shutting down.", { code: "service_unavailable" });
  if (headers.host !== undefined || raw.httpVersion !== "1.1") return undefined;
  return new DataFusionEngineError("A request of HTTP/1.1 has a Host.", { code: "invalid_request" });
}

function addRequestHooks(app: FastifyInstance, hot: HotAnswers): void {
  let closing = false;
  const underWay = new Set<FastifyRequest>();
  app.decorate("refuseWork", () => {
    closing = true;
    hot.stop();
  });
  app.decorate("requestsUnderWay", () => underWay.size);
  app.addHook("preClose", async () => app.refuseWork());
  app.addHook("onResponse", (request, _reply, done) => {
    underWay.delete(request);
    done();
  });
  app.addHook("onRequest", (request, reply, done) => {
    underWay.add(request);
    reply.header("x-request-id", request.id);
    const trace_id = traceId(request.headers.traceparent);
    if (trace_id !== undefined) request.log = request.log.child({ trace_id });
    done(refusal(request, closing));
  });
}
