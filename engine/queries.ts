/** Queries that run, and a bounded history of those that have ended. */
import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type {
  ExplainAnswer,
  ExplainRequest,
  QueryList,
  QueryRequest,
  QuerySelection,
  QueryStatus,
  ResultFormat,
} from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { page } from "./page.js";
import { Query } from "./query.js";
import { MutableRegistry } from "./registry.js";
import type { Sessions } from "./sessions.js";

interface HistoryEntry {
  readonly order: string;
  readonly status: () => QueryStatus;
}

export class Queries {
  readonly #sessions: Sessions;
  readonly #running = new MutableRegistry<string, { order: string; query: Query }>();
  readonly #ended: LRUCache<string, { order: string; status: QueryStatus }>;
  #received = 0;

  constructor(sessions: Sessions, history: number) {
    this.#sessions = sessions;
    this.#ended = new LRUCache({ max: history });
  }

  run(request: QueryRequest, format: ResultFormat): Query {
    const id = randomUUID();
    const native = this.#sessions.use(request.session_id).query(id, format, request);
    const query = new Query(native, { id, format, request, ended: () => this.#file(id) });
    this.#running.register(id, { order: newestFirst(this.#received++), query });
    return query;
  }

  explain(request: ExplainRequest): Promise<ExplainAnswer> {
    return this.#sessions.use(request.session_id).explain(request);
  }

  status(id: string): QueryStatus {
    return this.#running.get(id)?.query.status() ?? this.#ended.peek(id)?.status ?? noSuchQuery(id);
  }

  list({ status, ...selection }: QuerySelection): QueryList {
    const entries = this.#entries().filter((entry) => status === undefined || entry.status().status === status);
    const { items, next_cursor } = page(entries, selection, ({ order }) => order);
    return { items: items.map((entry) => entry.status()), next_cursor };
  }

  /** Cancels the query where it still runs, and says how it stands. */
  cancel(id: string): QueryStatus {
    this.#running.get(id)?.query.cancel();
    return this.status(id);
  }

  cancelAll(): void {
    for (const [, { query }] of this.#running.entries()) query.cancel();
  }

  #entries(): HistoryEntry[] {
    const running = this.#running.entries().map(([, { order, query }]) => ({ order, status: () => query.status() }));
    const ended = [...this.#ended.values()].map(({ order, status }) => ({ order, status: () => status }));
    return [...running, ...ended].sort((left, right) => (left.order < right.order ? -1 : 1));
  }

  #file(id: string): void {
    const entry = this.#running.get(id);
    if (entry === undefined) return;
    this.#ended.set(id, { order: entry.order, status: entry.query.status() });
    this.#running.unregister(id);
  }
}

function newestFirst(count: number): string {
  return String(Number.MAX_SAFE_INTEGER - count).padStart(16, "0");
}

function noSuchQuery(id: string): never {
  throw new DataFusionEngineError(`There is no query ${id}, or the history no longer holds it.`, {
    code: "query_not_found",
  });
}
