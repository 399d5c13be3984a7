/** The bytes of a body as they come. Whoever stops early leaves the connection whole, so that the sender sees why. */
import type { Readable } from "node:stream";
import { DataFusionEngineError } from "../engine/index.js";

/** Refuses the body when it is more than `limit` bytes, which `setting` says. */
export async function* bodyChunks(payload: Readable, limit: number, setting: string): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of whole(payload)) {
    bytes += chunk.length;
    if (bytes > limit) throw tooLarge(limit, setting);
    yield chunk;
  }
}

async function* whole(payload: Readable): AsyncGenerator<Buffer> {
  try {
    yield* payload.iterator({ destroyOnReturn: false });
  } catch (error) {
    throw isExplained(error) ? error : brokenOff(error);
  }
}

/** Whether the error says itself what is wrong with the body, as that of a decompression does. */
function isExplained(error: unknown): boolean {
  return error instanceof DataFusionEngineError || (error instanceof Error && "statusCode" in error);
}

function brokenOff(cause: unknown): DataFusionEngineError {
  return new DataFusionEngineError("The body broke off before its end.", { code: "invalid_body", cause });
}

function tooLarge(limit: number, setting: string): DataFusionEngineError {
  return new DataFusionEngineError(`The body is larger than ${limit} bytes; ${setting} sets the limit.`, {
    code: "body_too_large",
  });
}
