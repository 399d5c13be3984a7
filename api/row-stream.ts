/** The rows of a body as they come; whoever reads slowly makes the sender wait. */
import { DataFusionEngineError } from "../engine/index.js";
import { bodyChunks } from "./body-chunks.js";

export class RowStream implements AsyncIterable<Buffer> {
  readonly #bytes: AsyncIterable<Buffer>;
  readonly #limit: number;

  constructor(bytes: AsyncIterable<Buffer>, limit: number) {
    this.#bytes = bytes;
    this.#limit = limit;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    let empty = true;
    for await (const chunk of bodyChunks(this.#bytes, this.#limit, "LAKEGATE_ROWS_LIMIT")) {
      empty &&= chunk.length === 0;
      yield chunk;
    }
    if (empty) throw new DataFusionEngineError("The body is empty.", { code: "invalid_body" });
  }
}
