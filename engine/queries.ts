/** Queries: run, explained, left to go on by themselves, and their results read again. */
import { randomUUID } from "node:crypto";
import type {
  CachePolicy,
  ChangeRequest,
  ContractBreach,
  ExplainAnswer,
  ExplainRequest,
  KeptRelation,
  ProvidedRelations,
  QueryAcceptance,
  QueryIdentity,
  QueryRequest,
  QuerySource,
  QueryStatus,
  ResultFormat,
  SchemaValidation,
  StoredFormat,
  StoredResult,
} from "../schemas/generated/index.js";
import type { Admission } from "./admission.js";
import { type Caller, everybody } from "./caller.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { deltaFeatureGatePayload } from "./delta-feature-gate-payload.js";
import type { Encoding } from "./encoding.js";
import { hashText } from "./hashing.js";
import { joined } from "./joined.js";
import { type Keeping, type KeptResults, newRevision, queryKey } from "./kept-results.js";
import type { ParameterTables } from "./parameter-tables.js";
import type { Claimant } from "./places.js";
import { Query, type QueryOrigin } from "./query.js";
import type { HistoryEntry } from "./query-history.js";
import type { QueryRecords } from "./query-records.js";
import { type Repeat, repeatOf, requireSame } from "./repeat.js";
import { type ResultBody, RunningBody } from "./result-body.js";
import type { FoundResult, ResultCache, ResultDemand } from "./result-cache.js";
import type { ResultReader, RowRange } from "./result-reader.js";
import type { Sessions } from "./sessions.js";

export interface QueriesParts {
  readonly sessions: Sessions;
  readonly kept: KeptResults;
  readonly reader: ResultReader;
  readonly cache: ResultCache;
  readonly records: QueryRecords;
  /** How tables that a query reads differ from their contracts. */
  readonly breaches: (sources: readonly QuerySource[], validation: SchemaValidation) => Promise<ContractBreach[]>;
  readonly values: ParameterTables;
  readonly admission: Admission;
}

/** How the rows of a query are kept. */
export interface KeepTerms {
  readonly key: string;
  /** With whose rights the query runs. */
  readonly caller: Caller;
  readonly signal: AbortSignal;
}

/** The rows of a query that has ended. */
export interface QueryResult {
  readonly status: QueryStatus;
  readonly body: ResultBody;
}

/** The file of a query's result. */
export interface ResultFile {
  readonly query: Query;
  readonly found: FoundResult;
  readonly description: StoredResult;
  /** Its bytes from one to the one before another; undefined where they are damaged. */
  readonly read: (start: number, end: number) => Promise<ResultBody | undefined>;
}

export class Queries {
  readonly #parts: QueriesParts;

  constructor(parts: QueriesParts) {
    this.#parts = parts;
  }

  /** A query that runs when it is started, unless its result is kept. */
  run(
    request: QueryRequest,
    format: ResultFormat,
    policy: CachePolicy,
    caller: Caller,
    idempotencyKey?: string,
  ): Query {
    const { numbers, row_format } = request;
    const encoding = { format, ...(numbers && { numbers }), ...(row_format && { row_format }) };
    const session = this.#parts.sessions.use(request.session_id, caller);
    const { byte_limit = session.holder.terms.byte_limit ?? session.defaults.byte_limit } = request;
    const demand = {
      request,
      session,
      encoding,
      policy: strictest(session.cachePolicy, policy),
      hasByteLimit: byte_limit !== undefined,
    };
    const make = () => session.query(format, gated(request));
    const find: QueryOrigin["find"] = async (prepare) => {
      const given = await this.#parts.values.given(request, caller);
      const breaches: ContractBreach[] = [];
      const validation = this.#parts.sessions.readValidation(request.session_id, caller);
      const look = async ({ sources }: QueryIdentity) => {
        breaches.push(...(await this.#parts.breaches(sources, validation)));
      };
      const hold = validation === "off" ? {} : { hold: look };
      const own = { given, prepare: () => prepare(make) };
      const found = await this.#parts.cache.open(joined<ResultDemand>(demand, hold, own));
      return breaches.length === 0 ? found : { ...found, warnings: breaches };
    };
    return this.#register(request, format, caller, find, repeatOf(idempotencyKey, "query", request, caller));
  }

  /** The query that a request started which is repeated, while it runs or its result is kept. */
  repeated(request: QueryRequest, caller: Caller, idempotencyKey?: string): QueryAcceptance | undefined {
    const repeat = repeatOf(idempotencyKey, "query", request, caller);
    if (repeat === undefined) return undefined;
    const entry = this.#parts.records.find(repeat.id, caller);
    if (entry === undefined) return undefined;
    const { key, status } = entry;
    const isKept = status.status === "SUCCEEDED" && key !== undefined && this.#parts.kept.has(key);
    if (!isRunning(status) && !isKept) return undefined;
    requireSame(repeat, entry.asked);
    return acceptanceOf(status);
  }

  /** Runs a query for its rows alone, which are kept under `key`, all or none; resolves when they are. */
  async keep(request: QueryRequest, provided: ProvidedRelations, { key, caller, signal }: KeepTerms): Promise<Query> {
    const session = this.#parts.sessions.use(request.session_id, caller);
    let keeping: Keeping | undefined;
    const query = this.#register(request, "arrow", caller, async (prepare) => {
      const native = await prepare(() => session.query("arrow", gated(request)));
      await native.provide({ ...provided, whole: true });
      keeping = this.#parts.kept.keep(native, key);
      const body = new RunningBody(native, await native.start(), keeping?.revision ?? newRevision());
      return { body, use: { status: "bypass", reason: "kept" }, key, age: 0, pinned: true };
    });
    const cancel = () => query.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const { body } = await query.start();
      if (!body.complete) await query.drain();
      await keeping?.done;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
    if (!this.#parts.kept.has(key)) throw notKept(query);
    return query;
  }

  /** A query over rows that came with its request: nobody else has them, and its result is not kept; `done` when it has
   * ended. */
  over(
    request: QueryRequest,
    format: ResultFormat,
    kept: Record<string, KeptRelation>,
    caller: Caller,
    done: () => void = () => undefined,
  ): Query {
    const session = this.#parts.sessions.use(request.session_id, caller);
    return this.#register(request, format, caller, async (prepare) => {
      try {
        const native = await prepare(() => session.query(format, gated(request)));
        native.ended.then(done);
        await native.provide({ kept, own: Object.keys(kept) });
        return await this.#parts.cache.bypass(native, "rows of the request");
      } catch (error) {
        done();
        throw error;
      }
    });
  }

  /** The changes of a table; the history shows them as a comment that names it. */
  changes(request: ChangeRequest, format: ResultFormat, caller: Caller, session_id?: string): Query {
    const session = this.#parts.sessions.use(session_id, caller);
    const described = { sql: `-- changes of ${request.table}`, ...(session_id !== undefined && { session_id }) };
    return this.#register(described, format, caller, async (prepare) =>
      this.#parts.cache.bypass(await prepare(() => session.changes(format, request)), "changes"),
    );
  }

  async explain(request: ExplainRequest, caller: Caller): Promise<ExplainAnswer> {
    const session = this.#parts.sessions.use(request.session_id, caller);
    const work = { id: randomUUID(), statement: hashText(request.sql), sql: excerpt(request.sql) };
    const { kept, require } = await this.#parts.values.given(request, caller);
    const explain = () => session.explain(gated(request), { kept: { ...kept } });
    const claimant = claimantOf(caller, request.session_id);
    const { answer, identity } = await this.#parts.admission.run(work, claimant, request.analyze ?? false, explain);
    require?.(identity);
    return { ...answer, cache_key: this.#parts.cache.keyOf(identity, request.parameters) };
  }

  /** Lets a query go on without its client; undefined where its first bytes are about to come. */
  async detach(query: Query, started?: Promise<FoundResult>): Promise<QueryAcceptance | undefined> {
    if (!query.detach()) return undefined;
    await this.#accept(query);
    // How it fails, its status tells.
    (started ?? query.start()).then(() => query.drain()).catch(() => undefined);
    return acceptanceOf(query.status());
  }

  /** The file of a query's result, computed where it isn't there; undefined where it can't be kept. */
  async file(
    request: QueryRequest,
    format: StoredFormat,
    policy: CachePolicy,
    caller: Caller,
  ): Promise<ResultFile | undefined> {
    const query = this.run(request, "arrow", policy, caller);
    const found = await query.start();
    if (!found.body.complete) await query.drain();
    if (found.key === undefined) return undefined;
    await this.#parts.cache.landed(found.key);
    const { key } = found;
    const file = await this.#parts.reader.file(key, format);
    if (file === undefined) return undefined;
    const read = (start: number, end: number) => this.#parts.reader.part(key, file, start, end);
    return { query, found, description: file.description, read };
  }

  /** The rows of a query that has succeeded, as far as they are kept. */
  async result(id: string, encoding: Encoding, { offset = 0, limit }: RowRange, caller: Caller): Promise<QueryResult> {
    const { status, key } = this.#parts.records.entry(id, caller);
    if (status.error) throw new DataFusionEngineError(status.error.message, failureOptions(status.error));
    if (isRunning(status)) throw notReady(id);
    if (status.status === "EXPIRED") throw expired(id);
    const { reader } = this.#parts;
    const isWhole = limit === undefined && Number(offset) === 0;
    const range = { offset, ...(limit !== undefined && { limit }) };
    const body = key && (await (isWhole ? reader.whole(key, encoding) : reader.rows(key, encoding, range)));
    if (!body) throw expired(id);
    return { status, body };
  }

  /** What can't be remembered isn't promised. */
  async #accept(query: Query): Promise<void> {
    try {
      await this.#parts.records.accept(query);
    } catch (cause) {
      query.cancel();
      const message = "The query can't be remembered until its result is fetched: wait for it instead.";
      throw new DataFusionEngineError(message, { code: "service_unavailable", cause });
    }
  }

  #register(
    { sql, session_id, labels = {} }: Pick<QueryRequest, "sql" | "session_id" | "labels">,
    format: ResultFormat,
    caller: Caller,
    find: QueryOrigin["find"],
    repeat?: Repeat,
  ): Query {
    this.#refuseTooMany(caller);
    const facts = {
      query_id: repeat?.id ?? randomUUID(),
      sql: excerpt(sql),
      ...(session_id !== undefined && { session_id }),
      format,
      labels,
      created_at: new Date().toISOString(),
    };
    const query = new Query({
      facts,
      order: this.#parts.records.nextOrder(),
      owner: caller.id,
      asked: repeat?.fingerprint,
      find,
      enter: (entering) => {
        const entry = entering.entry();
        const noted = joined<HistoryEntry>(entry, { status: entry.status });
        const work = { id: facts.query_id, statement: hashText(sql), sql: facts.sql, entry: noted };
        return this.#parts.admission.enter(work, claimantOf(caller, session_id));
      },
      keep: (native) => this.#parts.kept.keep(native, queryKey(facts.query_id)) !== undefined,
      ended: (ended) => this.#parts.records.end(ended),
    });
    this.#parts.records.begin(query);
    return query;
  }

  #refuseTooMany(caller: Caller): void {
    const { concurrentQueries: limit } = caller;
    if (limit === undefined || this.#parts.records.runningOf(caller) < limit) return;
    throw new DataFusionEngineError(`The key runs ${limit} queries at once, and no more: wait until one has ended.`, {
      code: "too_many_requests",
      details: { maximum: limit },
    });
  }
}

function acceptanceOf({ query_id, status }: QueryStatus): QueryAcceptance {
  const status_url = `/v1/queries/${query_id}`;
  return { query_id, status, status_url, result_url: `${status_url}/result` };
}

function isRunning({ status }: QueryStatus): boolean {
  return status === "PENDING" || status === "RUNNING";
}

/** What the session asks holds besides what the request asks, which alone says how old a result may be where it does. */
function strictest(session: CachePolicy, request: CachePolicy): CachePolicy {
  const max_age_seconds = request.max_age_seconds ?? session.max_age_seconds;
  const no_cache = request.no_cache || session.no_cache || false;
  const no_store = request.no_store || session.no_store || false;
  return joined<CachePolicy>(request, { no_cache, no_store }, max_age_seconds != null && { max_age_seconds });
}

const longestSqlKept = 10_000;

/** Who takes a place: where nobody is asked who they are, each session. */
function claimantOf({ id, concurrentQueries: most }: Caller, session_id = id): Claimant {
  return { id: id === everybody.id ? session_id : id, ...(most !== undefined && { most }) };
}

function excerpt(sql: string): string {
  return sql.length > longestSqlKept ? `${sql.slice(0, longestSqlKept)}…` : sql;
}

function failureOptions({ kind, code, location, details }: NonNullable<QueryStatus["error"]>) {
  return { kind, code, ...(location && { location }), ...(details && { details }) };
}

function notReady(id: string): DataFusionEngineError {
  return new DataFusionEngineError(`The query ${id} still runs.`, { code: "result_not_ready" });
}

function expired(id: string): DataFusionEngineError {
  return new DataFusionEngineError(`The result of the query ${id} is no longer kept.`, { code: "result_expired" });
}

function notKept(query: Query): DataFusionEngineError {
  const { row_count, byte_count } = query.summary();
  const message = `${row_count} rows in ${byte_count} bytes take more room than there is for one result.`;
  return new DataFusionEngineError(message, { code: "rows_not_kept", details: { query_id: query.id } });
}

/** The request with its gates as payloads. */
function gated<Request extends Pick<QueryRequest, "gate" | "gates">>(request: Request): Request {
  if (request.gate == null && Object.keys(request.gates ?? {}).length === 0) return request;
  const gates = Object.entries(request.gates ?? {}).map(([name, gate]) => [name, deltaFeatureGatePayload(gate)]);
  return { ...request, gate: deltaFeatureGatePayload(request.gate), gates: Object.fromEntries(gates) };
}
