/** The rows of a body as they come; whoever reads slowly makes the sender wait. */
import type { Readable } from "node:stream";
import { DataFusionEngineError } from "../engine/index.js";
import { bodyChunks } from "./body-chunks.js";

export class RowStream implements AsyncIterable<Buffer> {
  readonly #payload: Readable;
  readonly #limit: number;

  constructor(payload: Readable, limit: number) {
    this.#payload = payload;
    this.#limit = limit;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    let empty = true;
    for await (const chunk of bodyChunks(this.#payload, this.#limit, "LAKEGATE_ROWS_LIMIT")) {
      empty &&= chunk.length === 0;
      yield chunk;
    }
    if (empty) throw new DataFusionEngineError("The body is empty.", { code: "invalid_body" });
  }
}
