/** The part of a file that a request wants, where the file still is what the request means. */
import type { IncomingHttpHeaders } from "node:http";
import type { FastifyReply } from "fastify";
import { DataFusionEngineError } from "../engine/index.js";
import { type ByteRange, byteRange } from "./byte-range.js";

/** Undefined for all of it; to HEAD a range means nothing. */
export function wantedRange(reply: FastifyReply, tag: string, size: number): ByteRange | undefined {
  const { headers, method } = reply.request;
  if (headers.range === undefined || method !== "GET" || !isStillMeant(headers, tag)) return undefined;
  const range = byteRange(headers.range, size);
  if (range === undefined || range.start < range.end) return range;
  reply.header("content-range", `bytes */${size}`);
  throw new DataFusionEngineError(`The result has ${size} bytes.`, { code: "range_not_satisfiable" });
}

function isStillMeant({ "if-range": condition }: IncomingHttpHeaders, tag: string): boolean {
  return condition === undefined || condition === tag;
}
