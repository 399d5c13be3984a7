/** A body that is read whole before it is looked at; it must be there within a minute. */
import { finished, type Readable } from "node:stream";
import { DataFusionEngineError } from "../engine/index.js";
import { brokenOff } from "./arriving-bytes.js";
import { bodyChunks, tooLarge } from "./body-chunks.js";
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

/** By events: iterators take longer than a small body does. */
function plainBody(payload: Readable, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let count = 0;
    const take = (chunk: Buffer) => {
      count += chunk.length;
      chunks.push(chunk);
      if (count <= limit) return;
      payload.off("data", take).pause();
      reject(tooLarge(limit, setting));
    };
    finished(payload, { writable: false }, (error) =>
      error ? reject(brokenOff(error)) : resolve(Buffer.concat(chunks)),
    );
    payload.on("data", take);
  });
}

async function decodedBody(payload: Readable, coding: string, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bodyChunks(decodedBytes(payload, coding), limit, setting)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function tooSlow(): DataFusionEngineError {
  return new DataFusionEngineError(`The body took longer than ${longestMs} ms to come.`, { code: "request_timeout" });
}
