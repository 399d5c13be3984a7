/** A file that a pipeline has written: whole, in part, or not at all for those who have it. */
import type { FastifyReply } from "fastify";
import type { PipelineFile } from "../engine/index.js";
import { etag, knownTag, resultMediaTypes } from "../routes/index.js";
import { wantedRange } from "./wanted-range.js";

export async function sendPipelineFile(reply: FastifyReply, file: PipelineFile): Promise<FastifyReply> {
  try {
    return await send(reply, file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function send(reply: FastifyReply, file: PipelineFile): Promise<FastifyReply> {
  const tag = etag(file.revision);
  const known = knownTag(reply.request.headers, tag);
  reply.headers(describe(file, known ?? tag));
  if (known !== undefined) {
    await file.close();
    return reply.code(304).send();
  }
  const range = wantedRange(reply, tag, file.size);
  const { start, end } = range ?? { start: 0, end: file.size };
  reply.header("content-length", String(end - start)).type(mediaTypeOf(file.name));
  if (range !== undefined) reply.code(206).header("content-range", `bytes ${start}-${end - 1}/${file.size}`);
  if (reply.request.method !== "HEAD" && start < end) return reply.send(file.read(start, end));
  await file.close();
  return reply.send();
}

function describe({ name, modified, runId }: PipelineFile, tag: string): Record<string, string> {
  return {
    etag: tag,
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
    "content-disposition": `attachment; filename="${name}"`,
    "last-modified": modified.toUTCString(),
    "run-id": runId,
  };
}

function mediaTypeOf(name: string): string {
  return name.endsWith(".csv") ? resultMediaTypes.csv : resultMediaTypes.parquet;
}
