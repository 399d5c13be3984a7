/** API keys: made, listed and revoked in the state folder, where a running service sees it. */
import { randomBytes } from "node:crypto";
import { mkdir, stat } from "node:fs/promises";
import type { Scope, SessionTerms } from "../schemas/generated/index.js";
import { type Caller, callerOf } from "./caller.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { DocumentStore } from "./document-store.js";
import { hashText, isHashOf } from "./hashing.js";
import type { Log } from "./log.js";
import { visibleNames } from "./native.js";

export interface ApiKeyDefinition {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** What its queries are held to; its `visible` are the relations that it may name. */
  readonly terms: SessionTerms;
  readonly concurrent_queries?: number;
  /** RFC 3339; absent for a key that doesn't expire. */
  readonly expires_at?: string;
}

/** A key as it is kept: all but its secret. */
export interface StoredApiKey extends ApiKeyDefinition {
  readonly id: string;
  /** SHA-256 of the secret. It has 256 random bits, so that a slow hash, which guards guessable secrets, would guard nothing. */
  readonly secret_hash: string;
  readonly created_at: string;
}

interface KnownKey {
  readonly stored: StoredApiKey;
  readonly caller: Caller;
  /** In milliseconds. */
  readonly expires: number;
}

const pattern = /^lakegate_([0-9a-f]{16})_([\w-]{43})$/;
/** How often the folder is looked at; a file system may not tell of changes, but knows when it was changed. */
const lookMs = 500;
/** A change in the moment of a look may leave the time as it is. */
const settlingMs = 2_000;

export class ApiKeys {
  readonly #folder: string;
  readonly #store: DocumentStore<StoredApiKey>;
  readonly #log: Log;
  #keys: ReadonlyMap<string, KnownKey> = new Map();
  #changed = 0;
  #looks: NodeJS.Timeout | undefined;

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#store = new DocumentStore(folder, log);
    this.#log = log;
  }

  async load(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const keys = await this.#store.read();
    this.#keys = new Map(keys.map((stored) => [stored.id, known(stored)]));
  }

  /** Follows what is made and revoked, until it is closed. */
  watch(): void {
    this.#looks = setInterval(() => this.#look(), lookMs).unref();
  }

  close(): void {
    clearInterval(this.#looks);
  }

  /** Makes a key; its text is known to nobody but the one who is told now. */
  async create(definition: ApiKeyDefinition): Promise<{ stored: StoredApiKey; key: string }> {
    visibleNames(definition.terms.visible ?? [], []);
    const id = randomBytes(8).toString("hex");
    const secret = randomBytes(32).toString("base64url");
    const created_at = new Date().toISOString();
    const stored = { id, ...definition, secret_hash: hashText(secret), created_at };
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#store.save(id, stored);
    return { stored, key: `lakegate_${id}_${secret}` };
  }

  /** The oldest first. */
  list(): StoredApiKey[] {
    const keys = [...this.#keys.values()].map(({ stored }) => stored);
    return keys.sort((left, right) => (left.created_at < right.created_at ? -1 : 1));
  }

  async revoke(id: string): Promise<void> {
    await this.load();
    if (!this.#keys.has(id)) throw new DataFusionEngineError(`There is no key ${id}.`, { code: "invalid_request" });
    await this.#store.remove(id);
  }

  /** Whose key it is; undefined where it is none, or has expired. */
  caller(key: string): Caller | undefined {
    const [, id = "", secret = ""] = pattern.exec(key) ?? [];
    const found = this.#keys.get(id);
    if (found === undefined || !isHashOf(secret, found.stored.secret_hash)) return undefined;
    return found.expires > Date.now() ? found.caller : undefined;
  }

  async #look(): Promise<void> {
    try {
      const { mtimeMs } = await stat(this.#folder);
      if (mtimeMs === this.#changed && mtimeMs < Date.now() - settlingMs) return;
      this.#changed = mtimeMs;
      await this.load();
    } catch (err) {
      this.#log.warn({ err }, "the API keys can't be read; those that are known hold on");
    }
  }
}

function known(stored: StoredApiKey): KnownKey {
  const { id, scopes, terms, concurrent_queries: concurrentQueries, expires_at } = stored;
  const limits = concurrentQueries === undefined ? {} : { concurrentQueries };
  const caller = callerOf({ id: `key:${id}`, scopes, terms, ...limits });
  return { stored, caller, expires: expires_at === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires_at) };
}
