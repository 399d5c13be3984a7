/** A bounded history of queries; those whose results are fetched later are remembered over a restart. */
import { LRUCache } from "lru-cache";
import type { QueryFailure, QueryStatus } from "../schemas/generated/index.js";
import type { DocumentStore } from "./document-store.js";
import type { Log } from "./log.js";

export interface HistoryEntry {
  /** Sorts the newest first. */
  readonly order: string;
  /** Whose query it is; absent where nobody was asked who they are. */
  readonly owner?: string | undefined;
  readonly status: QueryStatus;
  /** What the result is kept under. */
  readonly key?: string | undefined;
  /** What was asked under an Idempotency-Key. */
  readonly asked?: string | undefined;
  /** Whether the result is fetched later. */
  readonly isDetached: boolean;
}

export class QueryHistory {
  readonly #store: DocumentStore<HistoryEntry>;
  readonly #log: Log;
  readonly #entries: LRUCache<string, HistoryEntry>;
  readonly #saving = new Set<Promise<void>>();

  constructor(store: DocumentStore<HistoryEntry>, limit: number, log: Log) {
    this.#store = store;
    this.#log = log;
    this.#entries = new LRUCache({
      max: limit,
      dispose: ({ isDetached }, id, reason) => {
        if (isDetached && reason !== "set") this.#forget(id);
      },
    });
  }

  /** Remembers what was accepted earlier, and what ran last; what then ran has come to its end. */
  async load(ran: readonly HistoryEntry[], failure: QueryFailure): Promise<void> {
    const accepted = await this.#store.load();
    const known = new Set(accepted.map(({ status }) => status.query_id));
    const entries = [...accepted, ...ran.filter(({ status }) => !known.has(status.query_id))];
    entries.sort((left, right) => (left.order > right.order ? -1 : 1));
    for (const entry of entries) this.#entries.set(entry.status.query_id, stopped(entry, failure));
  }

  get(id: string): HistoryEntry | undefined {
    return this.#entries.peek(id);
  }

  entries(): HistoryEntry[] {
    return [...this.#entries.values()];
  }

  /** Remembers a query that goes on without its client. */
  accept(entry: HistoryEntry): Promise<void> {
    const { status } = entry;
    return this.#store.save(status.query_id, { ...entry, status });
  }

  /** Files a query that has ended. */
  file(id: string, entry: HistoryEntry): void {
    this.#entries.set(id, entry);
    if (!entry.isDetached) return;
    const saved = this.accept(entry);
    const saving = saved.catch((err) => this.#log.warn({ err }, "a query isn't remembered"));
    this.#saving.add(saving);
    saving.finally(() => this.#saving.delete(saving));
  }

  /** Resolves when what was filed is on the disk. */
  async saved(): Promise<void> {
    await Promise.all(this.#saving);
  }

  #forget(id: string): void {
    this.#store.remove(id).catch((err) => this.#log.warn({ err }, "a query is remembered too long"));
  }
}

function stopped(entry: HistoryEntry, error: QueryFailure): HistoryEntry {
  const { status } = entry;
  if (status.status !== "PENDING" && status.status !== "RUNNING") return entry;
  return { ...entry, status: { ...status, status: "FAILED", error } };
}
