/** A body that is read whole before it is looked at; it must be there within a minute. */
import type { Readable } from "node:stream";
import { DataFusionEngineError } from "../engine/index.js";
import { bodyChunks } from "./body-chunks.js";
import { decodedBytes } from "./decoded-bytes.js";

const longestMs = 60_000;

export async function wholeBody(payload: Readable, coding: string | undefined, limit: number): Promise<Buffer> {
  const late = setTimeout(() => payload.destroy(tooSlow()), longestMs);
  try {
    const bytes = decodedBytes(payload, coding);
    const chunks: Buffer[] = [];
    for await (const chunk of bodyChunks(bytes, limit, "LAKEGATE_BODY_LIMIT")) chunks.push(chunk);
    return Buffer.concat(chunks);
  } finally {
    clearTimeout(late);
  }
}

function tooSlow(): DataFusionEngineError {
  return new DataFusionEngineError(`The body took longer than ${longestMs} ms to come.`, { code: "request_timeout" });
}
