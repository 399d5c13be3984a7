/** A kept result as a file that can be read in ranges (RFC 9110, section 14). */
import type { FastifyReply } from "fastify";
import type { ResultBody, ResultFile } from "../engine/index.js";
import { etag, knownTag } from "../routes/index.js";
import type { StoredFormat } from "../schemas/generated/index.js";
import { cacheControl } from "./result.js";
import { bodyHeaders, cacheHeaders, counts, resultTag } from "./result-headers.js";
import { ResultStream } from "./result-stream.js";
import { wantedRange } from "./wanted-range.js";

/** False, with nothing sent, where the file turns out to be damaged. */
export async function sendFile(reply: FastifyReply, format: StoredFormat, file: ResultFile): Promise<boolean> {
  const { byte_count: size, revision } = file.description;
  const tag = etag(resultTag(format, {}, { revision }));
  const known = knownTag(reply.request.headers, tag);
  if (known !== undefined) return end(reply.code(304).headers(describe(format, file, known)));
  const range = wantedRange(reply, tag, size);
  const { start, end: stop } = range ?? { start: 0, end: size };
  const isHead = reply.request.method === "HEAD";
  const body = isHead ? undefined : await file.read(start, stop);
  if (body === undefined && !isHead) return false;
  reply.headers({ ...describe(format, file, tag), "content-length": String(stop - start) });
  if (range !== undefined) reply.code(206).header("content-range", `bytes ${start}-${stop - 1}/${size}`);
  return end(reply, body);
}

/** A reply that is awaited would be waited for until it is sent. */
function end(reply: FastifyReply, body?: ResultBody): true {
  reply.send(body && bytesOf(body));
  return true;
}

function describe(
  format: StoredFormat,
  { query, found, description }: ResultFile,
  tag: string,
): Record<string, string> {
  return {
    ...bodyHeaders(format, description),
    ...cacheHeaders(found),
    ...counts(description),
    "query-id": query.id,
    etag: tag,
    "cache-control": cacheControl(found.pinned),
    "accept-ranges": "bytes",
  };
}

function bytesOf(body: ResultBody): Buffer | ResultStream {
  return body.complete ? body.first : new ResultStream(body, body.first, () => Buffer.alloc(0));
}
