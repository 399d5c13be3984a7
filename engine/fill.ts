/** Hands rows to an operation as they come. */
import type { NativeIngest, RowFormat } from "./native.js";

export interface IncomingRows {
  readonly format: RowFormat;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** What was sent counts when all of it has come, and not at all otherwise. */
export async function fill<Report>(ingest: NativeIngest, bytes: AsyncIterable<Uint8Array>): Promise<Report> {
  try {
    for await (const chunk of bytes) await ingest.write(chunk);
    return await ingest.finish<Report>();
  } catch (error) {
    ingest.cancel();
    throw error;
  }
}
