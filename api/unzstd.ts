/**
 * Bytes out of Zstandard, in bounded memory. Node's own decoder, where there is one (22.15), takes a body that breaks off for a
 * whole one, and leaves out every frame but the first.
 */
import { setImmediate as afterOthers } from "node:timers/promises";
import { ByteSource } from "./byte-source.js";
import { ZstdContext } from "./zstd-context.js";
import { zstdFrameHead } from "./zstd-frame-head.js";
import { zstdLibrary } from "./zstd-library.js";

export async function* unzstd(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = new ByteSource(bytes);
  const context = new ZstdContext(await zstdLibrary());
  try {
    while (!(await source.isAtEnd())) yield* frame(await zstdFrameHead(source), source, context);
  } finally {
    context.free();
    await source.close();
  }
}

/** Decoding is work of this thread, so that others get their turn after each piece. */
async function* frame(head: Buffer, source: ByteSource, context: ZstdContext): AsyncGenerator<Buffer> {
  let rest = head;
  for (;;) {
    const { output, consumed, isFrameEnd, isFull } = context.step(rest);
    rest = rest.subarray(consumed);
    if (output.length > 0) yield output;
    if (isFrameEnd) break;
    await afterOthers();
    if (rest.length === 0 && !isFull) rest = await source.some();
  }
  source.putBack(rest);
}
