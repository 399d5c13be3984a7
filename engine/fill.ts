/** Hands rows to an operation as they come. */
import type { KeptRelation } from "../schemas/generated/index.js";
import type { NativeIngest, RowFormat } from "./native.js";

export interface IncomingRows {
  readonly format: RowFormat;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Hands kept rows over, unless it is told to stop. */
export async function fillKept<Report>(ingest: NativeIngest, rows: KeptRelation, signal: AbortSignal): Promise<Report> {
  const cancel = () => ingest.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    signal.throwIfAborted();
    await ingest.writeKept(rows);
    return await ingest.finish<Report>();
  } catch (error) {
    ingest.cancel();
    throw error;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
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
