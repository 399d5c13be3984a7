/** A body that is read whole before it is looked at; it must be there within a minute. */
import type { Readable } from "node:stream";
import { DataFusionEngineError } from "../engine/index.js";
import { arrivedPieces } from "./arriving-bytes.js";
import { bodyChunks } from "./body-chunks.js";
import { decodedBytes } from "./decoded-bytes.js";

const longestMs = 60_000;
const setting = "LAKEGATE_BODY_LIMIT";

export async function wholeBody(payload: Readable, coding: string | undefined, limit: number): Promise<Buffer> {
  const late = setTimeout(() => payload.destroy(tooSlow()), longestMs);
  try {
    return coding === undefined ? await plainBody(payload, limit) : await decodedBody(payload, coding, limit);
  } finally {
    clearTimeout(late);
  }
}

async function plainBody(payload: Readable, limit: number): Promise<Buffer> {
  return Buffer.concat(await arrivedPieces(payload, limit, setting));
}

async function decodedBody(payload: Readable, coding: string, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bodyChunks(decodedBytes(payload, coding), limit, setting)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function tooSlow(): DataFusionEngineError {
  return new DataFusionEngineError(`The body took longer than ${longestMs} ms to come.`, { code: "request_timeout" });
}
