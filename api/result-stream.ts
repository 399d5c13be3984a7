/** The bytes of a result, taken from the engine only as fast as they are read. */
import { Readable } from "node:stream";
import type { Query } from "../engine/index.js";

export class ResultStream extends Readable {
  readonly #query: Query;
  readonly #beforeEnd: () => void;
  #first: Buffer | undefined;

  constructor(query: Query, first: Buffer, beforeEnd: () => void) {
    super();
    this.#query = query;
    this.#first = first;
    this.#beforeEnd = beforeEnd;
  }

  override _read(): void {
    this.#take().then(
      (chunk) => this.#give(chunk),
      (error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#query.cancel();
    done(error);
  }

  /** Pushing an empty chunk would end the reading for good. */
  async #take(): Promise<Buffer | null> {
    const first = this.#first;
    this.#first = undefined;
    let chunk = first ?? (await this.#query.next());
    while (chunk?.length === 0) chunk = await this.#query.next();
    return chunk;
  }

  #give(chunk: Buffer | null): void {
    if (chunk === null) this.#beforeEnd();
    this.push(chunk);
  }
}
