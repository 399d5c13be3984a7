/** Keys to values in the order they were registered; every registry is made of these. */
import { DataFusionEngineError } from "./data-fusion-engine-error.js";

export interface Registry<K, V> {
  get(key: K): V | undefined;
  has(key: K): boolean;
  keys(): K[];
  entries(): [K, V][];
  readonly size: number;
}

export class ImmutableRegistry<K, V> implements Registry<K, V> {
  readonly #entries: ReadonlyMap<K, V>;

  private constructor(entries: ReadonlyMap<K, V>) {
    this.#entries = entries;
  }

  /** Refuses a key that occurs twice. */
  static from<K, V>(entries: Iterable<readonly [K, V]>): ImmutableRegistry<K, V> {
    const registry = new MutableRegistry<K, V>();
    for (const [key, value] of entries) registry.register(key, value);
    return new ImmutableRegistry(new Map(registry.entries()));
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  keys(): K[] {
    return [...this.#entries.keys()];
  }

  entries(): [K, V][] {
    return [...this.#entries];
  }

  get size(): number {
    return this.#entries.size;
  }
}

export class MutableRegistry<K, V> implements Registry<K, V> {
  readonly #entries = new Map<K, V>();

  /** Refuses a key that is taken, before anything changes, unless told to overwrite. */
  register(key: K, value: V, { overwrite = false }: { overwrite?: boolean } = {}): void {
    if (!overwrite && this.#entries.has(key)) {
      throw new DataFusionEngineError(`${key} is registered already.`, { code: "name_taken" });
    }
    this.#entries.set(key, value);
  }

  unregister(key: K): boolean {
    return this.#entries.delete(key);
  }

  snapshot(): ImmutableRegistry<K, V> {
    return ImmutableRegistry.from(this.#entries);
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  keys(): K[] {
    return [...this.#entries.keys()];
  }

  entries(): [K, V][] {
    return [...this.#entries];
  }

  get size(): number {
    return this.#entries.size;
  }
}
