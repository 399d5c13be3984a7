/** A kept result as a file that can be read in ranges (RFC 9110, section 14). */
import type { FastifyReply, FastifyRequest } from "fastify";
import parseRange from "range-parser";
import { DataFusionEngineError, FileBody, type ResultFile } from "../engine/index.js";
import { etag, knownTag } from "../routes/index.js";
import type { StoredFormat } from "../schemas/generated/index.js";
import { cacheControl } from "./result.js";
import { bodyHeaders, cacheHeaders, resultTag } from "./result-headers.js";
import { ResultStream } from "./result-stream.js";

interface Range {
  readonly start: number;
  /** The byte after the last one. */
  readonly end: number;
}

export async function sendFile(
  reply: FastifyReply,
  format: StoredFormat,
  { query, found, file }: ResultFile,
): Promise<FastifyReply> {
  const { byte_count: size, revision, row_count, truncated } = file.description;
  const tag = etag(resultTag(format, {}, { revision }));
  reply.headers({
    ...bodyHeaders(format, file.description),
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
  const body = await FileBody.open(file, start, end);
  return reply.send(body.complete ? body.first : new ResultStream(body, body.first, () => Buffer.alloc(0)));
}

/** Several ranges at once are answered with the whole, as the standard allows. */
function wantedRange(reply: FastifyReply, tag: string, size: number): Range | undefined {
  const { range } = reply.request.headers;
  if (range === undefined || !isStillMeant(reply.request, tag)) return undefined;
  const ranges = parseRange(size, range);
  if (ranges === -1) {
    reply.header("content-range", `bytes */${size}`);
    throw new DataFusionEngineError(`The result has ${size} bytes.`, { code: "range_not_satisfiable" });
  }
  if (ranges === -2 || ranges.type !== "bytes" || ranges.length !== 1) return undefined;
  const [only] = ranges;
  return only && { start: only.start, end: only.end + 1 };
}

function isStillMeant({ headers }: FastifyRequest, tag: string): boolean {
  const condition = headers["if-range"];
  return condition === undefined || condition === tag;
}
