/** How long a client waits for a query: by its body, or by `Prefer` of the request (RFC 7240). */
import type { FastifyReply } from "fastify";
import type { QueryRequest } from "../schemas/generated/index.js";
import type { Waiting } from "./result.js";

const defaultMs = 10_000;
/** The longest that a request may ask for in its body. */
const longestMs = 600_000;

export function waitingOf(reply: FastifyReply, request: QueryRequest): Waiting {
  const { on_wait_timeout = "continue", wait_timeout_ms = defaultMs } = request;
  return { milliseconds: preferredWait(reply) ?? Number(wait_timeout_ms), onTimeout: on_wait_timeout };
}

/** Milliseconds that the client would wait; undefined where it doesn't say. The answer tells that they are respected. */
export function preferredWait(reply: FastifyReply): number | undefined {
  const preferred = preference(String(reply.request.headers.prefer ?? ""));
  if (preferred !== undefined) reply.header("preference-applied", preferred.applied);
  return preferred?.milliseconds;
}

function preference(header: string): { milliseconds: number; applied: string } | undefined {
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(header)?.[1];
  if (seconds !== undefined)
    return { milliseconds: Math.min(Number(seconds) * 1000, longestMs), applied: `wait=${seconds}` };
  const isAsync = /(?:^|[,;])\s*respond-async\s*(?:$|[,;])/i.test(header);
  return isAsync ? { milliseconds: 0, applied: "respond-async" } : undefined;
}
