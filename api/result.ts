/** How a query becomes an answer: whole where it is small, else streamed, with its counts as headers or trailers. */
import type { FastifyReply } from "fastify";
import type { Query, StartedQuery } from "../engine/index.js";
import { resultMediaTypes } from "../routes/index.js";
import type { QuerySummary, ResultFormat, TableVersion } from "../schemas/generated/index.js";
import { ResultStream } from "./result-stream.js";

const charset: Partial<Record<ResultFormat, string>> = { json: "; charset=utf-8", csv: "; charset=utf-8" };

export async function sendResult(reply: FastifyReply, query: Query): Promise<FastifyReply> {
  reply.raw.once("close", () => query.cancel());
  reply.header("query-id", query.id);
  const started = await query.start();
  reply.headers(headHeaders(query, started));
  return started.complete ? sendWhole(reply, query, started.chunk) : sendStream(reply, query, started.chunk);
}

function sendWhole(reply: FastifyReply, query: Query, body: Buffer): FastifyReply {
  return reply.headers(counts(query.summary())).send(body);
}

function sendStream(reply: FastifyReply, query: Query, first: Buffer): FastifyReply {
  const { raw, request } = reply;
  const chunked = request.raw.httpVersion !== "1.0";
  if (chunked) reply.header("trailer", Object.keys(counts(query.summary())).join(", "));
  const addTrailers = () => raw.addTrailers(counts(query.summary()));
  return reply.send(new ResultStream(query, first, chunked ? addTrailers : () => undefined));
}

function headHeaders(query: Query, { head }: StartedQuery): Record<string, string> {
  const { stats } = query.summary();
  return {
    "content-type": `${resultMediaTypes[query.format]}${charset[query.format] ?? ""}`,
    vary: "accept",
    "server-timing": `plan;dur=${milliseconds(stats.plan_ms)}, execute;dur=${milliseconds(stats.execute_ms)}`,
    ...(head.tables.length > 0 && { "lakegate-tables": head.tables.map(tableVersion).join(", ") }),
  };
}

function counts({ row_count, truncated }: QuerySummary): Record<string, string> {
  return { "query-row-count": String(row_count), "query-truncated": String(truncated) };
}

function tableVersion({ name, version }: TableVersion): string {
  return `${encodeURIComponent(name)}=${version}`;
}

function milliseconds(value = 0): string {
  return value.toFixed(1);
}
