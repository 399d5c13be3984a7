/** The one place where an error becomes an answer: problem+json by the error table (RFC 9457). */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { type Caller, DataFusionEngineError, InvalidEntry, visibleTo } from "../engine/index.js";
import { problemJson } from "../routes/index.js";
import { type ErrorCode, errorTable, type Problem } from "../schemas/generated/index.js";
import { InvalidRequest } from "./invalid-request.js";
import { unsupportedMediaType } from "./unsupported-media-type.js";

/** What the framework's own errors mean; any other is a defect. */
const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_BAD_URL: "invalid_request",
  FST_ERR_MAX_PARAM_LENGTH: "invalid_request",
};

/** What was said of a result that doesn't come. */
const resultHeaders = ["age", "cache-control", "content-encoding", "content-length", "etag", "repr-digest", "trailer"];

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = discreet(engineError(error, request), request.caller);
  const { status } = errorTable[known.code];
  if (status === 500) request.log.error({ err: error }, "a request failed on a defect");
  if (status === 429 || status === 503) reply.header("retry-after", String(known.details?.retry_after_seconds ?? 1));
  if (isSending(request)) takeTheRest(request, reply);
  for (const header of resultHeaders) reply.removeHeader(header);
  return reply.code(status).type(problemJson).send(problem(known, request));
}

/** The error without the name of a relation that the caller may not know of, which it suggests. */
function discreet(error: DataFusionEngineError, caller: Caller | undefined): DataFusionEngineError {
  const { code, location } = error;
  const { closest, table } = error.details ?? {};
  const isSuggested = (code === "table_not_found" || code === "unknown_table") && typeof closest === "string";
  if (!isSuggested || caller === undefined || visibleTo(caller, [closest]).length === 1) return error;
  const details = { ...(typeof table === "string" && { table }) };
  const message = `There is no table '${table}'.`;
  return new DataFusionEngineError(message, { code, ...(location && { location }), details });
}

function isSending({ raw, headers }: FastifyRequest): boolean {
  const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  return hasBody && !raw.complete;
}

/** Closing at once would reset the connection under a client that still sends, which then never sees the answer. */
function takeTheRest(request: FastifyRequest, reply: FastifyReply): void {
  reply.removeHeader("connection");
  request.raw.unpipe().resume();
}

/** The document that says of an error how a request with this URL and id failed. */
export function problem(error: DataFusionEngineError, { url, id }: Pick<FastifyRequest, "url" | "id">): Problem {
  const { kind, code, location, details } = error;
  const { title, status, retryable } = errorTable[code];
  return {
    type: `https://lakegate.dev/problems/${code}`,
    title,
    status,
    detail: code === "internal" ? errorTable.internal.description : error.message,
    instance: url.split("?", 1)[0] ?? url,
    kind,
    code,
    retryable,
    request_id: id,
    ...(location && { location }),
    ...(hasFailures(error) && { errors: [...error.failures] }),
    ...(details && { details: { ...details } }),
  };
}

function hasFailures(error: DataFusionEngineError): error is InvalidRequest | InvalidEntry {
  return error instanceof InvalidRequest || error instanceof InvalidEntry;
}

function engineError(error: unknown, request: FastifyRequest): DataFusionEngineError {
  if (error instanceof DataFusionEngineError) return error;
  const code = frameworkCodes[(error as FastifyError).code];
  if ((error as FastifyError).code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return unsupportedMediaType(request, error);
  if (code === undefined) return new DataFusionEngineError(String(error), { code: "internal", cause: error });
  return new DataFusionEngineError(frameworkDetail(error as FastifyError), { code, cause: error });
}

function frameworkDetail(error: FastifyError): string {
  if (error.code === "FST_ERR_MAX_PARAM_LENGTH") return "A part of the path is too long.";
  return error.message;
}
