/** Queries that run, and a bounded history of those that have ended. */
import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type {
  ChangeRequest,
  ExplainAnswer,
  ExplainRequest,
  QueryList,
  QueryRequest,
  QuerySelection,
  QueryStatus,
  ResultFormat,
} from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { deltaFeatureGatePayload } from "./delta-feature-gate-payload.js";
import type { NativeQuery } from "./native.js";
import { page } from "./page.js";
import { Query, type QueryOrigin } from "./query.js";
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
    const native = this.#sessions.use(request.session_id).query(id, format, gated(request));
    return this.#register(native, { id, format, request });
  }

  /** The changes of a table; the history shows them as a comment that names it. */
  changes(request: ChangeRequest, format: ResultFormat, session_id?: string): Query {
    const id = randomUUID();
    const native = this.#sessions.use(session_id).changes(id, format, request);
    const described = { sql: `-- changes of ${request.table}`, ...(session_id !== undefined && { session_id }) };
    return this.#register(native, { id, format, request: described });
  }

  explain(request: ExplainRequest): Promise<ExplainAnswer> {
    return this.#sessions.use(request.session_id).explain(gated(request));
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

  #register(native: NativeQuery, origin: Omit<QueryOrigin, "ended">): Query {
    const { id } = origin;
    const query = new Query(native, { ...origin, ended: () => this.#file(id) });
    this.#running.register(id, { order: newestFirst(this.#received++), query });
    return query;
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

/** The request with its gates as payloads. */
function gated<Request extends Pick<QueryRequest, "gate" | "gates">>(request: Request): Request {
  const gates = Object.entries(request.gates ?? {}).map(([name, gate]) => [name, deltaFeatureGatePayload(gate)]);
  return { ...request, gate: deltaFeatureGatePayload(request.gate), gates: Object.fromEntries(gates) };
}
