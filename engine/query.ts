/** One query from its start to its last byte, and what the history says about it. */
import type { CacheUse, QueryStatus, QuerySummary, ResultFormat } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { FiledQuery, type QueryFacts, type StatusParts, statusOf } from "./filed-query.js";
import type { NativeQuery } from "./native.js";
import type { Pass } from "./pass.js";
import { queryFailure } from "./query-failure.js";
import type { HistoryEntry } from "./query-history.js";
import type { ResultBody } from "./result-body.js";
import type { FoundResult } from "./result-cache.js";

export interface QueryOrigin {
  /** Sorts the newest first. */
  readonly order: string;
  /** The caller who asked. */
  readonly owner: string;
  /** What was asked under an Idempotency-Key. */
  readonly asked?: string | undefined;
  readonly facts: QueryFacts;
  /** Finds or computes the result; has `prepare` make the query that runs for it. */
  readonly find: (prepare: (make: () => NativeQuery) => Promise<NativeQuery>) => Promise<FoundResult>;
  /** Asks for the query to be let in, before it is made. */
  readonly enter: (query: Query) => Pass;
  /** Keeps what a query gives for those who know its id; false where it is too late. */
  readonly keep: (native: NativeQuery) => boolean;
  /** Told once, when the query has ended in any way. */
  readonly ended: (query: Query) => void;
}

const pending: QuerySummary = {
  status: "PENDING",
  row_count: 0,
  byte_count: 0,
  truncated: false,
  tables: [],
  stats: {},
};

export class Query {
  readonly id: string;
  readonly format: ResultFormat;
  readonly owner: string;
  readonly #origin: QueryOrigin;
  #pass: Pass | undefined;
  #native: NativeQuery | undefined;
  #found: FoundResult | undefined;
  #isDetached = false;
  #final: { readonly summary: QuerySummary; readonly finished: number } | undefined;

  constructor(origin: QueryOrigin) {
    this.id = origin.facts.query_id;
    this.format = origin.facts.format;
    this.owner = origin.owner;
    this.#origin = origin;
  }

  /** Resolves when the first bytes of the result are there. */
  async start(): Promise<FoundResult> {
    const found = await this.#watched(() => this.#find());
    this.#found = found;
    if (found.body.complete) this.#end();
    else this.#hold(true);
    return found;
  }

  /** The bytes that follow; null when there are no more. */
  async next(): Promise<Buffer | null> {
    this.#hold(false);
    const chunk = await this.#watched(() => this.body().next());
    if (chunk === null) this.#end();
    else this.#hold(true);
    return chunk;
  }

  /** Has the query go on without a reader and its result kept; false where the first bytes are about to come. */
  detach(): boolean {
    const native = this.#native;
    const isKept = native === undefined || native.target !== undefined || this.#origin.keep(native);
    this.#isDetached = isKept;
    return isKept;
  }

  /** Ends a detached query that has started. */
  async drain(): Promise<void> {
    this.#hold(false);
    await this.#watched(() => this.body().drain());
    this.#end();
  }

  /** Repeatable; a query that has ended stays as it is. */
  cancel(): void {
    if (this.#final !== undefined) return;
    this.#native?.cancel();
    this.#found?.body.cancel();
    this.#end(new DataFusionEngineError("The query was canceled.", { code: "query_canceled" }));
  }

  body(): ResultBody {
    if (this.#found !== undefined) return this.#found.body;
    throw new DataFusionEngineError("The query has not been started.", { code: "internal" });
  }

  /** Whether it goes on without a reader. */
  get isDetached(): boolean {
    return this.#isDetached;
  }

  /** What the result cache did for it, once that is known. */
  get use(): CacheUse | undefined {
    return this.#found?.use;
  }

  summary(): QuerySummary {
    return this.#final?.summary ?? this.#found?.body.summary() ?? this.#native?.summary() ?? pending;
  }

  status(): QueryStatus {
    return statusOf(this.#parts());
  }

  /** Whether it was never let in. */
  get wasRefused(): boolean {
    return this.#pass === undefined ? false : this.#native === undefined;
  }

  /** As it stands now. */
  entry(): HistoryEntry {
    const { order, owner, asked } = this.#origin;
    const key = this.#found?.key ?? this.#native?.target?.key;
    return new FiledQuery({ order, owner, key, asked, isDetached: this.#isDetached }, this.#parts());
  }

  #parts(): StatusParts {
    const { facts } = this.#origin;
    const { use, warnings } = this.#found ?? {};
    if (this.#final !== undefined) return { facts, use, warnings, ...this.#final };
    const summary = this.summary();
    // It has succeeded when its last bytes are taken, and its result is there.
    const status = summary.status === "SUCCEEDED" ? "RUNNING" : summary.status;
    return { facts, use, warnings, summary: { ...summary, status } };
  }

  /** Tells whether rows wait for their reader. */
  #hold(isHeldUp: boolean): void {
    if (this.#pass !== undefined) this.#pass.isHeldUp = isHeldUp;
  }

  #find(): Promise<FoundResult> {
    return this.#origin.find((make) => this.#prepare(make));
  }

  async #prepare(make: () => NativeQuery): Promise<NativeQuery> {
    const pass = this.#origin.enter(this);
    this.#pass = pass;
    if (this.#final !== undefined) pass.leave(false);
    await pass.ready;
    const native = make();
    native.admitted(pass);
    this.#native = native;
    depart(native, pass);
    if (this.#isDetached) this.#origin.keep(native);
    return native;
  }

  async #watched<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      this.#end(error);
      throw error;
    }
  }

  #end(error?: unknown): void {
    if (this.#final !== undefined) return;
    const summary = this.summary();
    this.#final = {
      summary: error === undefined ? summary : failed(summary, error),
      finished: Date.now(),
    };
    if (this.#native === undefined) this.#pass?.leave(false);
    else if (error !== undefined) this.#native.cancel();
    this.#origin.ended(this);
  }
}

/** Leaves its place when nothing of it runs any more. */
async function depart(native: NativeQuery, pass: Pass): Promise<void> {
  await native.ended;
  if (!native.hasSucceeded) {
    pass.linger();
    await native.rested();
  }
  pass.leave(native.hasSucceeded);
}

function failed(summary: QuerySummary, error: unknown): QuerySummary {
  const canceled = error instanceof DataFusionEngineError && error.code === "query_canceled";
  return { ...summary, status: canceled ? "CANCELED" : "FAILED", error: queryFailure(error) };
}
