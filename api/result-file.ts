/** A kept result as a file that can be read in ranges (RFC 9110, section 14). */
import type { IncomingHttpHeaders } from "node:http";
import type { FastifyReply } from "fastify";
import { DataFusionEngineError, type ResultFile } from "../engine/index.js";
import { etag, knownTag } from "../routes/index.js";
import type { StoredFormat } from "../schemas/generated/index.js";
import { type ByteRange, byteRange } from "./byte-range.js";
import { cacheControl } from "./result.js";
import { bodyHeaders, cacheHeaders, resultTag } from "./result-headers.js";
import { ResultStream } from "./result-stream.js";

export async function sendFile(
  reply: FastifyReply,
  format: StoredFormat,
  { query, found, description, read }: ResultFile,
): Promise<FastifyReply> {
  const { byte_count: size, revision, row_count, truncated } = description;
  const tag = etag(resultTag(format, {}, { revision }));
  reply.headers({
    ...bodyHeaders(format, description),
    ...cacheHeaders(found),
    "query-id": query.id,
    "query-row-count": String(row_count),
    "query-truncated": String(truncated),
    etag: tag,
    "cache-control": cacheControl(found.pinned),
    "accept-ranges": "bytes",
  });
  const known = knownTag(reply.request.headers, tag);
  if (known !== undefined) return reply.code(304).header("etag", known).send();
  const range = wantedRange(reply, tag, size);
  if (range !== undefined) reply.code(206).header("content-range", `bytes ${range.start}-${range.end - 1}/${size}`);
  const { start, end } = range ?? { start: 0, end: size };
  reply.header("content-length", String(end - start));
  if (reply.request.method === "HEAD") return reply.send();
  const body = await read(start, end);
  return reply.send(body.complete ? body.first : new ResultStream(body, body.first, () => Buffer.alloc(0)));
}

/** To HEAD a range means nothing. */
function wantedRange(reply: FastifyReply, tag: string, size: number): ByteRange | undefined {
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
