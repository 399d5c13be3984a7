/** Small results as they were last encoded, in memory. */
import { LRUCache } from "lru-cache";
import { type KeptFacts, MemoryBody } from "./result-body.js";

interface EncodedResult {
  readonly key: string;
  readonly body: MemoryBody;
}

/** Larger ones are encoded again. */
export const largestEncoded = 2 ** 20;

export class EncodedResults {
  readonly #results: LRUCache<string, EncodedResult>;

  constructor(limitBytes: number) {
    this.#results = new LRUCache({
      maxSize: Math.max(limitBytes, 1),
      maxEntrySize: Math.min(Math.max(limitBytes, 1), largestEncoded * 2),
      sizeCalculation: ({ body }) => body.length + 512,
    });
  }

  get(key: string, variant: string): MemoryBody | undefined {
    return this.#results.get(`${key}/${variant}`)?.body;
  }

  set(key: string, variant: string, bytes: Buffer, facts: KeptFacts): void {
    this.#results.set(`${key}/${variant}`, { key, body: new MemoryBody(bytes, facts) });
  }

  evict(key: string): void {
    for (const [name, result] of this.#results.entries()) if (result.key === key) this.#results.delete(name);
  }

  clear(): void {
    this.#results.clear();
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
