/** A kept result that was served once more, as the history shows it; what it shows is made when somebody looks. */
import type { QueryStatus } from "../schemas/generated/index.js";
import { newestFirst } from "./newest-first.js";
import type { Query } from "./query.js";
import type { HistoryEntry } from "./query-history.js";

export class ServedQuery implements HistoryEntry {
  readonly isDetached = false;
  readonly owner: string;
  readonly #query: Query;
  readonly #id: string;
  readonly #at = Date.now();
  readonly #count: number;

  /** `count`: how many were received before it. */
  constructor(query: Query, id: string, owner: string, count: number) {
    this.#query = query;
    this.#id = id;
    this.owner = owner;
    this.#count = count;
  }

  get order(): string {
    return newestFirst(this.#count);
  }

  get status(): QueryStatus {
    const time = new Date(this.#at).toISOString();
    return { ...this.#query.status(), query_id: this.#id, created_at: time, finished_at: time };
  }
}
