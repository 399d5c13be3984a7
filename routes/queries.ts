/** `/v1/queries`: runs and explains SQL, and shows and cancels queries. */

import type { FastifyReply, FastifyRequest } from "fastify";
import {
  ExplainAnswer,
  ExplainRequest,
  QueryAcceptance,
  QueryList,
  QueryPath,
  QueryRequest,
  QuerySelection,
  QueryStatus,
  RepeatConditions,
  ResultSelection,
  reference,
  SqlText,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, bodyProblems, problems } from "./answers.js";
import type { App } from "./app.js";
import { body } from "./bodies.js";
import { sqlText } from "./media-types.js";
import { linkNext, nextLink } from "./next-link.js";
import { keptAnswer, resultAnswer } from "./result-answer.js";

const tags = ["queries"];

const acceptance = {
  Location: { type: "string", description: "The path of the query's status." },
  "Retry-After": { type: "integer", description: "Seconds until it is worth asking." },
  "Preference-Applied": { type: "string", description: "What was followed of `Prefer`." },
} as const;

export const planningProblems = [
  "statement_not_allowed",
  "session_not_found",
  "version_not_found",
  "invalid_sql",
  "unknown_table",
  "unknown_column",
  "invalid_query",
  "statement_too_complex",
  "statement_quarantined",
  "parameter_missing",
  "parameter_invalid",
  "gate_failed",
  "contract_violated",
  "table_unsupported",
  "table_corrupt",
  "table_unreadable",
  "not_implemented",
  "storage_unavailable",
  "planning_timeout",
] as const;

export const runningProblems = [
  "too_many_requests",
  "query_canceled",
  "arithmetic_error",
  "invalid_cast",
  "memory_exceeded",
  "result_too_large",
  "too_many_requests",
  "overloaded",
  "engine_crashed",
  "query_timeout",
] as const;

export function queries(app: App): void {
  const { queries, queryRecords } = app.engine;

  app.post(
    "/v1/queries",
    {
      config: access("read"),
      schema: {
        operationId: "runQuery",
        summary: "Run a SQL query",
        description:
          "Runs one read-only statement and streams its rows, or serves a kept result that is still right. Where there are no rows after `wait_timeout_ms`, or the `wait` of `Prefer`, the answer is 202 and the query goes on. A failure after the first byte ends the connection without its closing chunk; `/v1/queries/{id}` then says why.",
        tags,
        headers: reference(RepeatConditions),
        body: body(QueryRequest, { [sqlText]: SqlText }),
        response: {
          200: resultAnswer,
          202: answer(QueryAcceptance, "The query goes on; its status says when there is a result.", acceptance),
          ...problems(
            ...bodyProblems,
            "not_acceptable",
            ...planningProblems,
            ...runningProblems,
            "unsupported_type",
            "not_cached",
            "idempotency_key_reused",
            "result_expired",
          ),
        },
      },
    },
    async (request, reply) => {
      const wanted = queryRequest(request.body);
      const { caller } = request;
      const key = request.headers["idempotency-key"];
      const first = queries.repeated(wanted, caller, key);
      if (first !== undefined) return sendFirst(request, reply, wanted, first);
      const policy = request.cachePolicy(wanted.cache);
      const query = queries.run(wanted, request.resultFormat(), policy, caller, key);
      return reply.sendResult(query, wanted, { waiting: reply.waiting(wanted) });
    },
  );

  app.post(
    "/v1/queries/explain",
    {
      config: access("read"),
      schema: {
        operationId: "explainQuery",
        summary: "Explain a SQL query",
        description:
          "Plans a statement and describes the plan; with `analyze` it runs the statement too and adds the metrics.",
        tags,
        body: body(ExplainRequest),
        response: {
          200: answer(ExplainAnswer, "The plans."),
          ...problems(...bodyProblems, ...planningProblems, ...runningProblems),
        },
      },
    },
    (request) => queries.explain(request.body, request.caller),
  );

  app.get(
    "/v1/queries",
    {
      config: access("read"),
      schema: {
        operationId: "listQueries",
        summary: "List queries",
        description: "The queries that run and those that the history still holds, newest first.",
        tags,
        querystring: reference(QuerySelection),
        response: { 200: answer(QueryList, "A page of queries.", linkNext), ...problems() },
      },
    },
    (request, reply) => nextLink(request, reply, queryRecords.list(request.query, request.caller)),
  );

  app.get(
    "/v1/queries/:id",
    {
      config: access("read"),
      schema: {
        operationId: "getQuery",
        summary: "Show a query",
        description: "How a query stands: its times, rows, bytes, the versions it read and, where it failed, why.",
        tags,
        params: reference(QueryPath),
        response: { 200: answer(QueryStatus, "The query."), ...problems("query_not_found") },
      },
    },
    (request) => queryRecords.status(request.params.id, request.caller),
  );

  app.get(
    "/v1/queries/:id/result",
    {
      config: access("read"),
      schema: {
        operationId: "getQueryRows",
        summary: "Get the rows of a query",
        description:
          "The rows of a query that has succeeded, all or some, in any format: of one that went on without its client, and of any other whose result is still kept.",
        tags,
        params: reference(QueryPath),
        querystring: reference(ResultSelection),
        response: {
          200: keptAnswer,
          ...problems(
            "not_acceptable",
            "query_not_found",
            "result_not_ready",
            "result_expired",
            "unsupported_type",
            ...planningProblems,
            ...runningProblems,
          ),
        },
      },
    },
    async (request, reply) => {
      const { numbers, row_format, ...range } = request.query;
      const style = { ...(numbers && { numbers }), ...(row_format && { row_format }) };
      const encoding = { format: request.resultFormat(), ...style };
      return reply.sendRows(await queries.result(request.params.id, encoding, range, request.caller), encoding);
    },
  );

  app.delete(
    "/v1/queries/:id",
    {
      config: access("read"),
      schema: {
        operationId: "cancelQuery",
        summary: "Cancel a query",
        description: "Cancels a query that runs. One that has ended stays as it is, so that this can be repeated.",
        tags,
        params: reference(QueryPath),
        response: { 200: answer(QueryStatus, "The query."), ...problems("query_not_found") },
      },
    },
    (request) => queryRecords.cancel(request.params.id, request.caller),
  );
}

/** Answers a repeat with what the first request came to, or with where that is to be found. */
async function sendFirst(
  request: FastifyRequest,
  reply: FastifyReply,
  { numbers, row_format }: QueryRequest,
  first: QueryAcceptance,
): Promise<FastifyReply> {
  if (first.status !== "SUCCEEDED") return sendAcceptance(reply, first);
  const encoding = { format: request.resultFormat(), ...(numbers && { numbers }), ...(row_format && { row_format }) };
  return reply.sendRows(
    await request.server.engine.queries.result(first.query_id, encoding, {}, request.caller),
    encoding,
  );
}

/** Tells where the result of a query will be. */
export function sendAcceptance(reply: FastifyReply, acceptance: QueryAcceptance): FastifyReply {
  return reply.code(202).headers({ location: acceptance.status_url, "retry-after": "1" }).send(acceptance);
}

/** An `application/sql` body is the statement alone. */
function queryRequest(sent: QueryRequest | SqlText): QueryRequest {
  return typeof sent === "string" ? { sql: sent } : sent;
}
