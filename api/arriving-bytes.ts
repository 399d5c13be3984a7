/** The bytes of a body as they come. Whoever stops early leaves the connection whole, so that the sender sees why. */
import { finished, type Readable } from "node:stream";
import { DataFusionEngineError } from "../engine/index.js";

export async function* arrivingBytes(payload: Readable): AsyncGenerator<Buffer> {
  try {
    yield* payload.iterator({ destroyOnReturn: false });
  } catch (error) {
    throw brokenOff(error);
  }
}

/** All bytes of a body. By events: to iterate takes longer than a small body does. */
export function arrivedBytes(payload: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    finished(payload, { writable: false }, (error) =>
      error ? reject(brokenOff(error)) : resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)),
    );
    payload.on("data", (chunk: Buffer) => chunks.push(chunk));
  });
}

/** An error of ours, with which the body was ended, says more itself. */
export function brokenOff(cause: unknown): DataFusionEngineError {
  if (cause instanceof DataFusionEngineError) return cause;
  return new DataFusionEngineError("The body broke off before its end.", { code: "invalid_body", cause });
}
