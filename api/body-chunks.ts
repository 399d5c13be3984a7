/** The bytes of a body, counted: it is refused when it is more than `limit` bytes, which `setting` says. */
import { DataFusionEngineError } from "../engine/index.js";

export async function* bodyChunks(
  bytes: AsyncIterable<Buffer>,
  limit: number,
  setting: string,
): AsyncGenerator<Buffer> {
  let count = 0;
  for await (const chunk of bytes) {
    count += chunk.length;
    if (count > limit) throw tooLarge(limit, setting);
    yield chunk;
  }
}

export function tooLarge(limit: number, setting: string): DataFusionEngineError {
  return new DataFusionEngineError(`The body is larger than ${limit} bytes; ${setting} sets the limit.`, {
    code: "body_too_large",
  });
}
