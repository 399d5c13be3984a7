/** The rows of a body as they come; whoever reads slowly makes the sender wait. */
import type { Readable } from "node:stream";
import { DataFusionEngineError } from "../engine/index.js";
import { arrivedPieces } from "./arriving-bytes.js";
import { bodyChunks } from "./body-chunks.js";
import { decodedBytes } from "./decoded-bytes.js";

/** Handing over fewer bytes piece by piece takes longer than to read the rows in them. */
const fewBytes = 2 ** 18;
const setting = "LAKEGATE_ROWS_LIMIT";

export interface ArrivingRows {
  /** What the sender says of the bytes. */
  readonly headers: {
    readonly "content-encoding"?: string | undefined;
    readonly "content-length"?: string | undefined;
  };
  readonly payload: Readable;
  /** Bytes that there may be. */
  readonly limit: number;
}

export class RowStream implements AsyncIterable<Buffer> {
  /** All bytes, in their pieces, where they are few. */
  readonly whole: (() => Promise<Buffer[]>) | undefined;
  readonly #bytes: AsyncIterable<Buffer>;
  readonly #limit: number;

  constructor({ headers, payload, limit }: ArrivingRows) {
    const coding = headers["content-encoding"];
    const length = Number(headers["content-length"]);
    // A length that is none is no number, and compares as false.
    const isFew = coding === undefined && length > 0 && length <= Math.min(fewBytes, limit);
    this.whole = isFew ? () => arrivedPieces(payload, limit, setting) : undefined;
    this.#bytes = decodedBytes(payload, coding);
    this.#limit = limit;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    let empty = true;
    for await (const chunk of bodyChunks(this.#bytes, this.#limit, setting)) {
      empty &&= chunk.length === 0;
      yield chunk;
    }
    if (empty) throw new DataFusionEngineError("The body is empty.", { code: "invalid_body" });
  }
}
