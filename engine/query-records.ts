/** Queries that run, and those that have ended as far as the history remembers them: shown, listed and cancelled. */
import { randomUUID } from "node:crypto";
import type { QueryList, QuerySelection, QueryStatus } from "../schemas/generated/index.js";
import { type Caller, owns } from "./caller.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { KeptResults } from "./kept-results.js";
import { newestFirst } from "./newest-first.js";
import { page } from "./page.js";
import type { Query } from "./query.js";
import type { HistoryEntry, QueryHistory } from "./query-history.js";
import { MutableRegistry } from "./registry.js";
import { ServedQuery } from "./served-query.js";

export class QueryRecords {
  readonly #history: QueryHistory;
  readonly #kept: KeptResults;
  readonly #running = new MutableRegistry<string, Query>();
  #received = Date.now() * 1000;

  constructor(history: QueryHistory, kept: KeptResults) {
    this.#history = history;
    this.#kept = kept;
  }

  /** Sorts the next query before those that came earlier. */
  nextOrder(): string {
    return newestFirst(this.#received++);
  }

  begin(query: Query): void {
    this.#running.register(query.id, query);
  }

  /** What was refused in a rush would push out of the history what was not. */
  end(query: Query): void {
    if (query.isDetached || !query.wasRefused) this.#history.file(query.id, query.entry());
    this.#running.unregister(query.id);
  }

  /** Notes that the result of a query was served once more; answers the id of that. */
  served(query: Query, caller: Caller): string {
    const query_id = randomUUID();
    this.#history.file(query_id, new ServedQuery(query, query_id, caller.id, this.#received++));
    return query_id;
  }

  /** Remembers a query that goes on without its client. */
  accept(query: Query): Promise<void> {
    return this.#history.accept(query.entry());
  }

  status(id: string, caller: Caller): QueryStatus {
    return this.entry(id, caller).status;
  }

  list({ status, ...selection }: QuerySelection, caller: Caller): QueryList {
    const running = this.#running.entries().map(([, query]) => query.entry());
    const ended = this.#history.entries().map((entry) => this.#asItStands(entry));
    const wanted = (entry: HistoryEntry) =>
      owns(caller, entry.owner) && (status === undefined || entry.status.status === status);
    const entries = [...running, ...ended].filter(wanted);
    const sorted = entries.sort((left, right) => (left.order < right.order ? -1 : 1));
    const { items, next_cursor } = page(sorted, selection, ({ order }) => order);
    return { items: items.map((entry) => entry.status), next_cursor };
  }

  /** Cancels the query where it still runs, and says how it stands. */
  cancel(id: string, caller: Caller): QueryStatus {
    this.entry(id, caller);
    this.#running.get(id)?.cancel();
    return this.status(id, caller);
  }

  cancelAll(): void {
    for (const [, query] of this.#running.entries()) query.cancel();
  }

  /** How many run. */
  get running(): number {
    return this.#running.size;
  }

  runningOf({ id }: Caller): number {
    return this.#running.entries().filter(([, { owner }]) => owner === id).length;
  }

  /** That of another caller is as if it were not there. */
  find(id: string, caller: Caller): HistoryEntry | undefined {
    const found = this.#running.get(id)?.entry() ?? this.#history.get(id);
    return found === undefined || !owns(caller, found.owner) ? undefined : this.#asItStands(found);
  }

  entry(id: string, caller: Caller): HistoryEntry {
    return this.find(id, caller) ?? noSuchQuery(id);
  }

  /** A result that was to be fetched later may be gone by now. */
  #asItStands(entry: HistoryEntry): HistoryEntry {
    const { isDetached, key, status } = entry;
    const isGone = isDetached && status.status === "SUCCEEDED" && !(key && this.#kept.has(key));
    return isGone ? { ...entry, status: { ...status, status: "EXPIRED" } } : entry;
  }
}

function noSuchQuery(id: string): never {
  throw new DataFusionEngineError(`There is no query ${id}, or the history no longer holds it.`, {
    code: "query_not_found",
  });
}
