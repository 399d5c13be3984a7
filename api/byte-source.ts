/** Takes bytes in the pieces that a format has, out of those in which they come. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Buffer>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return true;
      this.#rest = value;
    }
    return false;
  }

  /** So many bytes as are there, and at least one. */
  async some(): Promise<Buffer> {
    if (await this.isAtEnd()) throw new Error("it ends too early");
    const taken = this.#rest;
    this.#rest = Buffer.alloc(0);
    return taken;
  }

  /** Exactly so many bytes. */
  async take(count: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let missing = count; missing > 0; ) {
      const piece = await this.some();
      pieces.push(piece.subarray(0, missing));
      this.putBack(piece.subarray(missing));
      missing -= Math.min(missing, piece.length);
    }
    return Buffer.concat(pieces);
  }

  /** Bytes that were taken last, to be taken again. */
  putBack(bytes: Buffer): void {
    this.#rest = bytes;
  }

  /** Whoever gives up before the end lets go of the bytes. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
