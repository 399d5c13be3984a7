/** The bytes of a result, taken from the engine only as fast as they are read. */
import { Readable } from "node:stream";

/** Where the bytes after the first ones come from. */
export interface ByteSource {
  next(): Promise<Buffer | null>;
  cancel(): void;
}

export class ResultStream extends Readable {
  readonly #source: ByteSource;
  readonly #last: () => Buffer;
  #first: Buffer | undefined;

  /** `last` gives the bytes after those of the source, once it has given all. */
  constructor(source: ByteSource, first: Buffer, last: () => Buffer) {
    super();
    this.#source = source;
    this.#first = first;
    this.#last = last;
  }

  override _read(): void {
    this.#take().then(
      (chunk) => this.#give(chunk),
      (error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#source.cancel();
    done(error);
  }

  /** Pushing an empty chunk would end the reading for good. */
  async #take(): Promise<Buffer | null> {
    const first = this.#first;
    this.#first = undefined;
    let chunk = first ?? (await this.#source.next());
    while (chunk?.length === 0) chunk = await this.#source.next();
    return chunk;
  }

  #give(chunk: Buffer | null): void {
    if (chunk !== null) {
      this.push(chunk);
      return;
    }
    const last = this.#last();
    if (last.length > 0) this.push(last);
    this.push(null);
  }
}
