/** A query as it stood at a moment, for the history: its status is put together when somebody looks. */
import type { CacheUse, ContractBreach, QueryStatus, QuerySummary } from "../schemas/generated/index.js";
import { joined } from "./joined.js";
import type { HistoryEntry } from "./query-history.js";

/** What is known of a query from its beginning. */
export type QueryFacts = Pick<QueryStatus, "query_id" | "sql" | "session_id" | "format" | "labels" | "created_at">;

export interface StatusParts {
  readonly facts: QueryFacts;
  readonly summary: QuerySummary;
  /** What the result cache did for it, and how tables differ from their contracts; absent until that is known. */
  readonly use?: CacheUse | undefined;
  readonly warnings?: readonly ContractBreach[] | undefined;
  /** In milliseconds. */
  readonly finished?: number;
}

export class FiledQuery implements HistoryEntry {
  readonly order: string;
  readonly owner: string | undefined;
  readonly key: string | undefined;
  readonly asked: string | undefined;
  readonly isDetached: boolean;
  readonly #parts: StatusParts;

  constructor({ order, owner, key, asked, isDetached }: Omit<HistoryEntry, "status">, parts: StatusParts) {
    this.order = order;
    this.owner = owner;
    this.key = key;
    this.asked = asked;
    this.isDetached = isDetached;
    this.#parts = parts;
  }

  get status(): QueryStatus {
    return statusOf(this.#parts);
  }
}

export function statusOf({ facts, summary, use, warnings, finished }: StatusParts): QueryStatus {
  const { stored_bytes: _, ...told } = summary;
  return joined<QueryStatus>(
    facts,
    finished !== undefined && { finished_at: new Date(finished).toISOString() },
    told,
    use && { cache: use },
    warnings && { warnings: [...warnings] },
  );
}
