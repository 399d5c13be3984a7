/** `/v1/query`: a result as a resource with a URL, which browsers, caches and file readers revalidate. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { type QueryRequest, QueryUrl, type ResultFormat, reference } from "../schemas/generated/index.js";
import { access } from "./access.js";
import { emptyAnswer, problems } from "./answers.js";
import type { App } from "./app.js";
import { planningProblems, runningProblems } from "./queries.js";
import { cacheHeaders, documentAnswer, partAnswer } from "./result-answer.js";

export const urlResultProblems = [
  "not_acceptable",
  ...planningProblems,
  ...runningProblems,
  "unsupported_type",
  "range_not_satisfiable",
  "not_cached",
] as const;

export function query(app: App): void {
  app.get(
    "/v1/query",
    {
      exposeHeadRoute: false,
      config: access("read"),
      schema: {
        operationId: "getQueryResult",
        summary: "Get the result of a query",
        description:
          "The result of a read-only statement, by a URL. It is computed where it isn't kept; `ETag` and `If-None-Match` tell whether it has changed. `Range` is answered for Arrow and Parquet.",
        tags: ["queries"],
        querystring: reference(QueryUrl),
        response: {
          200: documentAnswer,
          206: partAnswer,
          304: emptyAnswer("The result is the one that `If-None-Match` names.", cacheHeaders),
          ...problems(...urlResultProblems),
        },
      },
    },
    send,
  );

  // An automatic HEAD would say the length of what it sends, which is none.
  app.head("/v1/query", { config: access("read"), schema: { hide: true, querystring: reference(QueryUrl) } }, send);
}

/** What the URL says, once its JSON is read. */
type QueryUrlRead = Omit<QueryRequest, "format"> & { format?: ResultFormat };

async function send(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { format = request.resultFormat(), ...wanted } = request.query as QueryUrlRead;
  return sendUrlResult(request, reply, { wanted, format, caller: request.caller });
}

interface UrlResult {
  readonly wanted: QueryRequest;
  readonly format: ResultFormat;
  /** With whose rights the query runs. */
  readonly caller: FastifyRequest["caller"];
}

/** Sends the result of a query that a URL stands for: whole, in ranges, or what is said about it. */
export async function sendUrlResult(
  request: FastifyRequest,
  reply: FastifyReply,
  { wanted, format, caller }: UrlResult,
): Promise<FastifyReply> {
  const { queries } = request.server.engine;
  const policy = request.cachePolicy();
  const inRanges = request.method === "HEAD" || request.headers.range !== undefined;
  if (inRanges && (format === "arrow" || format === "parquet")) {
    const file = await queries.file(wanted, format, policy, caller);
    if (file !== undefined && (await reply.sendFile(format, file))) return reply;
  }
  return reply.sendDocument(queries.run(wanted, format, policy, caller), wanted);
}
