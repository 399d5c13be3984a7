/** Results on disk: a file each, bounded by bytes, the least recently used go first; what is damaged is gone. */
import { randomUUID } from "node:crypto";
import { type BigIntStats, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import type { ResultTarget, StoredFormat } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { Log } from "./log.js";
import { type NativeQuery, NativeStoredResult } from "./native.js";

export interface KeptResultsOptions {
  readonly folder: string;
  /** Bytes of all results together. */
  readonly limitBytes: number;
  /** How long results are kept that only the id of their query leads to. */
  readonly ttlMs: number;
}

/** A result that is being kept. */
export interface Keeping {
  readonly key: string;
  readonly revision: string;
  /** Resolves when the result is there, or won't be. */
  readonly done: Promise<void>;
}

interface KeptFile {
  readonly bytes: number;
  /** What the file looked like when all of it was checked. */
  checked?: string;
  /** The computation that it is of, once that is known. */
  revision?: string;
}

const unfinished = /^\.unfinished-/;
/** One result may take this part of the room. */
const largestShare = 4;
const ofQuery = "query:";

export class KeptResults {
  readonly #options: KeptResultsOptions;
  readonly #log: Log;
  readonly #files: LRUCache<string, KeptFile>;

  constructor(options: KeptResultsOptions, log: Log) {
    this.#options = options;
    this.#log = log;
    this.#files = new LRUCache({
      maxSize: Math.max(options.limitBytes, 1),
      sizeCalculation: ({ bytes }) => Math.max(bytes, 1),
      dispose: (_file, name, reason) => reason !== "set" && this.#remove(name),
    });
  }

  /** Finds what an earlier process has kept, and removes what it didn't finish. */
  load(): void {
    const { folder } = this.#options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = readdirSync(folder).flatMap((name) => {
      const { size = 0, mtimeMs = 0 } = statSync(this.#path(name), { throwIfNoEntry: false }) ?? {};
      if (!unfinished.test(name)) return [{ name, size, mtimeMs }];
      this.#remove(name);
      return [];
    });
    found.sort((left, right) => left.mtimeMs - right.mtimeMs);
    for (const { name, size, mtimeMs } of found) this.#index(name, { bytes: size }, mtimeMs);
  }

  /** Keeps what a query gives besides sending it; undefined where its rows are on their way already. */
  keep(
    native: NativeQuery,
    key: string,
    wanted: Partial<Pick<ResultTarget, "format" | "revision">> = {},
  ): Keeping | undefined {
    this.purge();
    const { format = "arrow", revision = newRevision() } = wanted;
    const limit_bytes = Math.floor(this.#options.limitBytes / largestShare);
    const target = { path: this.#path(fileName(key, format)), key, revision, format, limit_bytes };
    if (!native.keep(target)) return undefined;
    return { key, revision, done: native.ended.then(() => this.#publish(native, target)) };
  }

  has(key: string): boolean {
    return this.#files.has(fileName(key, "arrow"));
  }

  /** Notes that a result is used from elsewhere; whether what is kept, if anything, is of the same computation. */
  use(key: string, revision: string): boolean {
    return this.user(key, revision)();
  }

  /** The same for a result that is used often. */
  user(key: string, revision: string): () => boolean {
    const name = fileName(key, "arrow");
    return () => {
      const { revision: own = revision } = this.#files.get(name) ?? {};
      return own === revision;
    };
  }

  path(key: string): string {
    return this.#path(fileName(key, "arrow"));
  }

  /** The result, checked as a whole unless that has been done; undefined where there is none, or a damaged one. */
  async open(key: string, format: StoredFormat = "arrow"): Promise<NativeStoredResult | undefined> {
    const name = fileName(key, format);
    const file = this.#files.get(name);
    if (file === undefined) return undefined;
    try {
      const seen = await this.#look(name);
      const result = await NativeStoredResult.open(this.#path(name), key, file.checked !== seen);
      if (result.description.format !== format) throw damaged(`The kept result ${name} is in another format.`);
      Object.assign(file, { checked: seen, revision: result.description.revision });
      return result;
    } catch (error) {
      this.discard(key, format, error);
      return undefined;
    }
  }

  /** Forgets a result that can't be read. */
  discard(key: string, format: StoredFormat, reason: unknown): void {
    this.#log.warn({ err: reason, key }, "a kept result can't be used and is removed");
    this.#files.delete(fileName(key, format));
  }

  /** Whether a result read a table, by the name that the statement gave it. */
  async reads(key: string, table: string): Promise<boolean> {
    const file = (await this.open(key)) ?? (await this.open(key, "parquet"));
    return file?.description.head.tables.some(({ name }) => name === table) ?? false;
  }

  /** Forgets a result in all its formats; answers the bytes that it took. */
  evict(key: string): number {
    const names = (["arrow", "parquet"] as const).map((format) => fileName(key, format));
    const bytes = names.reduce((sum, name) => sum + (this.#files.peek(name)?.bytes ?? 0), 0);
    for (const name of names) this.#files.delete(name);
    return bytes;
  }

  /** Removes what has been kept long enough. */
  purge(): void {
    this.#files.purgeStale();
  }

  /** The keys of results, of whichever format. */
  keys(): string[] {
    return [...new Set([...this.#files.keys()].map(keyOf))];
  }

  get size(): number {
    return this.#files.size;
  }

  get bytes(): number {
    return this.#files.calculatedSize;
  }

  get limitBytes(): number {
    return this.#options.limitBytes;
  }

  /** Does nothing where the result came to be kept elsewhere; doesn't wait, so that who has the last bytes finds it. */
  #publish(native: NativeQuery, target: ResultTarget): void {
    if (native.target !== target || native.summary().stored_bytes === undefined) return;
    const { key, format, revision } = target;
    const name = fileName(key, format);
    try {
      const found = statSync(this.#path(name), { bigint: true });
      this.#index(name, { bytes: Number(found.size), checked: lookOf(found), revision });
      if (format === "arrow") this.#files.delete(fileName(key, "parquet"));
    } catch (error) {
      this.#log.warn({ err: error }, "a kept result was gone at once");
    }
  }

  /** Removes what is too old, or larger than all the room. */
  #index(name: string, file: KeptFile, since = Date.now()): void {
    const ttl = keyOf(name).startsWith(ofQuery) ? this.#options.ttlMs - (Date.now() - since) : undefined;
    if (ttl === undefined || ttl > 0) this.#files.set(name, file, { ttl });
    if (!this.#files.has(name)) this.#remove(name);
  }

  #path(name: string): string {
    return join(this.#options.folder, name);
  }

  async #look(name: string): Promise<string> {
    try {
      return lookOf(await stat(this.#path(name), { bigint: true }));
    } catch (cause) {
      throw damaged("The kept result is gone.", cause);
    }
  }

  #remove(name: string): void {
    try {
      rmSync(this.#path(name), { force: true });
    } catch (error) {
      this.#log.warn({ err: error }, "a kept result can't be removed");
    }
  }
}

/** Differs when the file is changed or replaced. */
function lookOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino}-${size}-${mtimeNs}`;
}

/** Whether an error says that a kept result can't be read. */
export function isDamage(error: unknown): boolean {
  return error instanceof DataFusionEngineError && error.code === "result_expired";
}

function damaged(message: string, cause?: unknown): DataFusionEngineError {
  return new DataFusionEngineError(message, { code: "result_expired", cause });
}

/** Tells a computation from all others. */
export function newRevision(): string {
  return randomUUID();
}

/** The key of a result that only the id of its query leads to. */
export function queryKey(id: string): string {
  return `${ofQuery}${id}`;
}

function fileName(key: string, format: StoredFormat): string {
  return `${key.replace(":", "~")}.${format}`;
}

function keyOf(name: string): string {
  return name.slice(0, name.lastIndexOf(".")).replace("~", ":");
}
