/** Finds the result of a query among those that are kept, or runs the query and keeps it. */
import { LRUCache } from "lru-cache";
import type {
  CacheEviction,
  CachePolicy,
  CacheReport,
  CacheStatus,
  CacheUse,
  ContractBreach,
  KeptView,
  QueryIdentity,
  QueryParameters,
  QueryRequest,
} from "../schemas/generated/index.js";
import { encode } from "./codec.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { largestEncoded } from "./encoded-results.js";
import { type Encoding, variantOf } from "./encoding.js";
import { Flight } from "./flight.js";
import { type Keeping, type KeptResults, newRevision } from "./kept-results.js";
import type { KeptViews } from "./kept-views.js";
import type { NativeFreshness, NativeQuery, NativeSession } from "./native.js";
import { type GivenValues, noValues } from "./parameter-tables.js";
import { type ResultBody, RunningBody } from "./result-body.js";
import { resultKey, type StorageOptions } from "./result-key.js";
import type { ResultReader } from "./result-reader.js";

/** A query whose result is wanted. */
export interface ResultDemand {
  readonly request: QueryRequest;
  readonly session: NativeSession;
  /** What stands for parameter tables. */
  readonly given: GivenValues;
  readonly encoding: Encoding;
  readonly policy: CachePolicy;
  /** Whether a number of bytes cuts it short, which is other rows in each format. */
  readonly hasByteLimit: boolean;
  /** Refuses tables as the query would read them, kept result or not. */
  readonly hold?: (identity: QueryIdentity) => Promise<void>;
  /** Makes the query, once it is let in. */
  readonly prepare: () => NativeQuery | Promise<NativeQuery>;
}

export interface FoundResult {
  /** How tables that are read differ from their contracts. */
  readonly warnings?: readonly ContractBreach[];
  readonly body: ResultBody;
  readonly use: CacheUse;
  /** What the result is kept under by what it depends on. */
  readonly key?: string;
  /** Seconds since it was last known to be right. */
  readonly age: number;
  /** Whether another query computed it meanwhile. */
  readonly collapsed?: boolean;
  /** Whether later commits change nothing. */
  readonly pinned: boolean;
  /** Whether a kept result still is right; counts as another hit where it is. */
  readonly again?: () => boolean | Promise<boolean>;
}

/** What a request came to when it was last asked. */
interface Known {
  readonly key: string;
  readonly freshness: NativeFreshness;
  readonly pinned: boolean;
  /** The views whose kept rows it is made of where it has to run. */
  readonly views: readonly KeptView[];
  /** When it was last seen to be right, in milliseconds. */
  seen: number;
}

/** Requests whose keys are remembered. */
const remembered = 10_000;

export class ResultCache {
  readonly #kept: KeptResults;
  readonly #reader: ResultReader;
  readonly #storageOptions: StorageOptions;
  readonly #views: KeptViews;
  /** Views are computed with the rights of those who registered them, not of those who read them. */
  readonly #ofViews: NativeSession;
  readonly #known = new LRUCache<string, Known>({ max: remembered });
  /** Results that are being computed, by their keys. */
  readonly #flights = new Map<string, Flight>();
  /** How often results were removed by hand. */
  #evictions = 0;
  readonly #uses: Record<CacheStatus, number> = { hit: 0, miss: 0, stale: 0, refresh: 0, bypass: 0 };

  constructor(
    kept: KeptResults,
    reader: ResultReader,
    storageOptions: StorageOptions,
    views: KeptViews,
    ofViews: NativeSession,
  ) {
    this.#ofViews = ofViews;
    this.#kept = kept;
    this.#reader = reader;
    this.#storageOptions = storageOptions;
    this.#views = views;
  }

  async open(demand: ResultDemand): Promise<FoundResult> {
    const found = await this.#open(demand);
    if (found.use.status !== "bypass") this.#uses[found.use.status] += 1;
    return found;
  }

  /** Resolves when a result that is being computed is kept, or won't be. */
  async landed(key: string): Promise<void> {
    await this.#flights.get(key)?.end();
  }

  /** What a result is kept under; null where it never is. */
  keyOf(identity: QueryIdentity, parameters: QueryParameters | undefined): string | null {
    return identity.volatile ? null : resultKey(identity, parameters, this.#storageOptions);
  }

  report(): CacheReport {
    this.#kept.purge();
    const { bypass: _, ...asked } = this.#uses;
    const all = Object.values(asked).reduce((sum, count) => sum + count, 0);
    const { encoded } = this.#reader;
    return {
      entries: this.#kept.size,
      bytes: this.#kept.bytes,
      limit_bytes: this.#kept.limitBytes,
      memory_entries: encoded.size,
      memory_bytes: encoded.bytes,
      memory_limit_bytes: encoded.limitBytes,
      uses: { ...this.#uses },
      hit_ratio: all === 0 ? null : asked.hit / all,
    };
  }

  /** Removes the results that read a table, or all. */
  async evict(table?: string): Promise<CacheEviction> {
    this.#evictions += 1;
    let [entries, bytes] = [0, 0];
    this.#reader.encoded.evict(table);
    for (const key of this.#kept.keys()) {
      if (table !== undefined && !(await this.#kept.reads(key, table))) continue;
      bytes += this.#kept.evict(key);
      entries += 1;
    }
    return { entries, bytes };
  }

  async #open(demand: ResultDemand): Promise<FoundResult> {
    const avoided = avoidance(demand);
    if (avoided !== undefined) return this.#avoid(demand, await held(demand), avoided);
    const text = demandText(demand);
    const known = this.#known.get(text);
    const isNew = known === undefined || demand.policy.no_cache || demand.hold !== undefined;
    if (isNew) return this.#identify(demand, text, "miss");
    if (!(await isStillRight(known, demand.policy))) return this.#identify(demand, text, "stale");
    return (await this.#hit(demand, known)) ?? this.#identify(demand, text, "miss");
  }

  async #hit(demand: ResultDemand, known: Known): Promise<FoundResult | undefined> {
    const body = await this.#reader.whole(known.key, demand.encoding);
    if (body === undefined) return undefined;
    const { key, pinned, seen } = known;
    const age = Math.floor((Date.now() - seen) / 1000);
    return { body, use: { status: "hit", key }, key, age, pinned, again: this.#recheck(demand, known, body) };
  }

  #recheck({ given }: ResultDemand, known: Known, { revision }: ResultBody): () => boolean | Promise<boolean> {
    const evictions = this.#evictions;
    const use = this.#kept.user(known.key, revision);
    const count = (isFresh: boolean) => {
      if (isFresh) this.#uses.hit += 1;
      return isFresh;
    };
    return () => {
      if (evictions !== this.#evictions || !given.areCurrent() || !use()) return false;
      const isFresh = isStillRight(known, {});
      return typeof isFresh === "boolean" ? count(isFresh) : isFresh.then(count);
    };
  }

  async #identify(demand: ResultDemand, text: string, otherwise: CacheStatus): Promise<FoundResult> {
    const native = await prepared(demand);
    const seen = Date.now();
    const { identity, freshness } = await native.identify();
    demand.given.require?.(identity);
    await demand.hold?.(identity);
    // The rows that are kept are those of the default session's settings.
    const views = demand.request.session_id === undefined ? (identity.kept_views ?? []) : [];
    if (identity.volatile) {
      await this.#provide(native, views);
      refuseToRun(demand, native);
      return this.bypass(native, identity.volatile);
    }
    const pinned = identity.sources.length > 0 && identity.sources.every((source) => source.pinned);
    const key = resultKey(identity, demand.request.parameters, this.#storageOptions);
    const known = { key, freshness, pinned, views, seen };
    this.#known.set(text, known);
    if (demand.policy.no_cache) return this.#run(demand, native, known, "refresh");
    return this.#join(demand, native, known, otherwise);
  }

  /** Takes the result of an equal query that is running, or runs; nothing may come between the last look and that. */
  async #join(demand: ResultDemand, native: NativeQuery, known: Known, otherwise: CacheStatus): Promise<FoundResult> {
    for (let collapsed = false; ; collapsed = true) {
      const flight = this.#flights.get(known.key);
      if (flight !== undefined) native.stepAside();
      const isWorthALook = flight === undefined || (await flight.wait(() => this.#kept.has(known.key)));
      const found = isWorthALook ? await this.#hit(demand, known) : undefined;
      if (found !== undefined) {
        native.cancel();
        return { ...found, collapsed: collapsed || flight !== undefined };
      }
      if (flight !== undefined) await native.comeBack();
      if (!isWorthALook || !this.#flights.has(known.key)) return this.#run(demand, native, known, otherwise);
    }
  }

  async #run(
    demand: ResultDemand,
    native: NativeQuery,
    { key, pinned, views }: Known,
    status: CacheStatus,
  ): Promise<FoundResult> {
    refuseToRun(demand, native);
    const keeping = this.#kept.keep(native, key);
    if (keeping === undefined)
      throw new DataFusionEngineError("A query began before it was run.", { code: "internal" });
    const flight = this.#fly(native, keeping);
    await this.#provide(native, views);
    const body = await this.#body(demand, native, keeping);
    flight.begin();
    return { body, use: { status, key }, key, age: 0, pinned };
  }

  async #provide(native: NativeQuery, views: readonly KeptView[]): Promise<void> {
    if (views.length > 0) await native.makeRoom();
    await this.#views.provide(native, views, (view) => this.#rows(view));
  }

  /** Has the rows of a view kept, at the versions of its identity. */
  async #rows({ sql, parameters, identity }: KeptView): Promise<string | undefined> {
    const tables = Object.fromEntries(identity.sources.map(({ name, version }) => [name, { version }]));
    const request = { sql, parameters, tables };
    const session = this.#ofViews;
    const prepare = () => session.query("arrow", request);
    const encoding = { format: "arrow" } as const;
    const demand = { request, session, given: noValues, encoding, policy: {}, hasByteLimit: false, prepare };
    const found = await this.#open(demand);
    await found.body.drain();
    if (found.key !== undefined) await this.landed(found.key);
    return found.key;
  }

  /** Runs a query whose result nobody looks for. */
  async bypass(native: NativeQuery, reason: string): Promise<FoundResult> {
    const body = new RunningBody(native, await native.start(), newRevision());
    this.#uses.bypass += 1;
    return { body, use: { status: "bypass", reason }, age: 0, pinned: false };
  }

  async #avoid(demand: ResultDemand, native: NativeQuery, reason: string): Promise<FoundResult> {
    refuseToRun(demand, native);
    const { require } = demand.given;
    if (require !== undefined) require((await native.identify()).identity);
    return this.bypass(native, reason);
  }

  #fly(native: NativeQuery, { key, done }: Keeping): Flight {
    const landed = done.then(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    const flight = new Flight(native, landed);
    this.#flights.set(key, flight);
    return flight;
  }

  async #body({ encoding }: ResultDemand, native: NativeQuery, { key, revision }: Keeping): Promise<ResultBody> {
    const started = await native.start();
    const keep = (whole: Buffer) => {
      const { row_count, truncated, stored_bytes } = native.summary();
      const facts = { head: started.head, revision, row_count, truncated };
      if (stored_bytes !== undefined) this.#reader.encoded.set(key, variantOf(encoding), whole, facts);
    };
    return new RunningBody(native, started, revision, { largest: largestEncoded, keep });
  }
}

/** The query, with the values that it may read. */
async function prepared({ prepare, given: { kept } }: ResultDemand): Promise<NativeQuery> {
  const native = await prepare();
  if (!isEmpty(kept)) await native.provide({ kept });
  return native;
}

/** The query, once what it reads is let in. */
async function held(demand: ResultDemand): Promise<NativeQuery> {
  const native = await prepared(demand);
  if (demand.hold !== undefined) await demand.hold((await native.identify()).identity);
  return native;
}

/** Why a request has nothing to do with the cache. */
function avoidance({ policy, hasByteLimit }: ResultDemand): string | undefined {
  if (policy.no_store) return "no-store";
  return hasByteLimit ? "byte_limit" : undefined;
}

/** Equal for requests of callers with the same rights that come to the same result as long as nothing else changes. */
function demandText({ request, session, given: { kept } }: ResultDemand): string {
  const { sql, session_id = "", row_limit = "", parameters, tables = {}, gate, gates } = request;
  const more = { parameters, tables, gate, gates, kept };
  const plain = parameters === undefined && gate == null && [tables, gates ?? {}, kept].every(isEmpty);
  return `${session.holder.rights}\n${session_id}\n${row_limit}\n${plain ? "" : encode(more).toString("latin1")}\n${sql}`;
}

function isEmpty(value: object): boolean {
  for (const _ in value) return false;
  return true;
}

function isStillRight(known: Known, { max_age_seconds }: CachePolicy): boolean | Promise<boolean> {
  const now = Date.now();
  if (max_age_seconds != null && now - known.seen < Number(max_age_seconds) * 1000) return true;
  const note = (isFresh: boolean) => {
    if (isFresh) known.seen = now;
    return isFresh;
  };
  const isFresh = known.freshness.isFresh();
  return typeof isFresh === "boolean" ? note(isFresh) : isFresh.then(note);
}

function refuseToRun({ policy }: ResultDemand, native: NativeQuery): void {
  if (!policy.only_if_cached) return;
  native.cancel();
  throw new DataFusionEngineError("No kept result is right for the tables as they are.", { code: "not_cached" });
}
