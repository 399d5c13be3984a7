/** Small results as they were last encoded, in memory. */
import { LRUCache } from "lru-cache";
import { type KeptFacts, MemoryBody } from "./result-body.js";

/** Larger ones are encoded again. */
export const largestEncoded = 2 ** 20;

export class EncodedResults {
  readonly #results: LRUCache<string, MemoryBody>;

  constructor(limitBytes: number) {
    this.#results = new LRUCache({
      maxSize: Math.max(limitBytes, 1),
      maxEntrySize: Math.min(Math.max(limitBytes, 1), largestEncoded * 2),
      sizeCalculation: ({ length }) => length + 512,
    });
  }

  get(key: string, variant: string): MemoryBody | undefined {
    return this.#results.get(`${key}/${variant}`);
  }

  set(key: string, variant: string, bytes: Buffer, facts: KeptFacts): void {
    this.#results.set(`${key}/${variant}`, new MemoryBody(bytes, facts));
  }

  /** Forgets those that read a table, or all. */
  evict(table?: string): void {
    for (const [name, { head }] of this.#results.entries())
      if (table === undefined || head.tables.some((read) => read.name === table)) this.#results.delete(name);
  }

  get size(): number {
    return this.#results.size;
  }

  get bytes(): number {
    return this.#results.calculatedSize;
  }

  get limitBytes(): number {
    return this.#results.maxSize;
  }
}
