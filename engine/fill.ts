/** Hands rows to an operation as they come. */
import type { KeptRelation } from "../schemas/generated/index.js";
import type { NativeEngine, NativeIngest, RowFormat } from "./native.js";

export interface IncomingRows {
  readonly format: RowFormat;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** All of them, in their pieces, where they are few: in the place of `bytes`. */
  readonly whole?: (() => Promise<Buffer[]>) | undefined;
}

/** An operation that takes rows. */
export interface FilledOperation {
  readonly operation: Parameters<NativeEngine["ingest"]>[0];
  readonly request: object;
  readonly context: Parameters<NativeEngine["ingest"]>[2];
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
export async function fill<Report>(
  native: NativeEngine,
  { operation, request, context }: FilledOperation,
  { format, bytes, whole }: IncomingRows,
): Promise<Report> {
  if (whole !== undefined) {
    return native.operateRows(operation, request, context, { format, pieces: await whole() });
  }
  const ingest = native.ingest(operation, request, context, format);
  try {
    for await (const chunk of bytes) await ingest.write(chunk);
    return await ingest.finish<Report>();
  } catch (error) {
    ingest.cancel();
    throw error;
  }
}
