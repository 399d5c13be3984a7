/** The bytes of a body as they come. Whoever stops early leaves the connection whole, so that the sender sees why. */
import type { Readable } from "node:stream";
import { DataFusionEngineError } from "../engine/index.js";

export async function* arrivingBytes(payload: Readable): AsyncGenerator<Buffer> {
  try {
    yield* payload.iterator({ destroyOnReturn: false });
  } catch (error) {
    throw brokenOff(error);
  }
}

/** An error of ours, with which the body was ended, says more itself. */
export function brokenOff(cause: unknown): DataFusionEngineError {
  if (cause instanceof DataFusionEngineError) return cause;
  return new DataFusionEngineError("The body broke off before its end.", { code: "invalid_body", cause });
}
