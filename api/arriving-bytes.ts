/** The bytes of a body as they come. Whoever stops early leaves the connection whole, so that the sender sees why. */
import { finished, type Readable } from "node:stream";
import { DataFusionEngineError } from "../engine/index.js";
import { tooLarge } from "./body-chunks.js";

export async function* arrivingBytes(payload: Readable): AsyncGenerator<Buffer> {
  try {
    yield* payload.iterator({ destroyOnReturn: false });
  } catch (error) {
    throw brokenOff(error);
  }
}

/** All bytes of a body, counted as `bodyChunks` does. By events: to iterate takes longer than a small body does. */
export function arrivedPieces(payload: Readable, limit: number, setting: string): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let count = 0;
    const take = (piece: Buffer) => {
      count += piece.length;
      pieces.push(piece);
      if (count <= limit) return;
      payload.off("data", take).pause();
      reject(tooLarge(limit, setting));
    };
    finished(payload, { writable: false }, (error) => (error ? reject(brokenOff(error)) : resolve(pieces)));
    payload.on("data", take);
  });
}

/** An error of ours, with which the body was ended, says more itself. */
export function brokenOff(cause: unknown): DataFusionEngineError {
  if (cause instanceof DataFusionEngineError) return cause;
  return new DataFusionEngineError("The body broke off before its end.", { code: "invalid_body", cause });
}
