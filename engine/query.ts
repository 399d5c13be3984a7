/** One query from its start to its last byte, and what the history says about it. */
import type { QueryRequest, QueryStatus, QuerySummary, ResultFormat } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { NativeQuery, StartedQuery } from "./native.js";
import { queryFailure } from "./query-failure.js";

export interface QueryOrigin {
  readonly id: string;
  readonly format: ResultFormat;
  readonly request: QueryRequest;
  /** Told once, when the query has ended in any way. */
  readonly ended: (query: Query) => void;
}

const longestSqlKept = 10_000;

export class Query {
  readonly id: string;
  readonly format: ResultFormat;
  readonly #native: NativeQuery;
  readonly #ended: (query: Query) => void;
  readonly #facts: Pick<QueryStatus, "query_id" | "sql" | "session_id" | "format" | "labels" | "created_at">;
  #final: { summary: QuerySummary; finishedAt: string } | undefined;

  constructor(native: NativeQuery, { id, format, request, ended }: QueryOrigin) {
    const { sql, session_id, labels = {} } = request;
    this.id = id;
    this.format = format;
    this.#native = native;
    this.#ended = ended;
    this.#facts = {
      query_id: id,
      sql: sql.length > longestSqlKept ? `${sql.slice(0, longestSqlKept)}…` : sql,
      ...(session_id !== undefined && { session_id }),
      format,
      labels,
      created_at: new Date().toISOString(),
    };
  }

  /** Resolves when the first bytes of the result are there. */
  async start(): Promise<StartedQuery> {
    const started = await this.#watched(() => this.#native.start());
    if (started.complete) this.#end();
    return started;
  }

  /** The bytes that follow; null when there are no more. */
  async next(): Promise<Buffer | null> {
    const chunk = await this.#watched(() => this.#native.next());
    if (chunk === null) this.#end();
    return chunk;
  }

  /** Repeatable; a query that has ended stays as it is. */
  cancel(): void {
    if (this.#final !== undefined) return;
    this.#native.cancel();
    this.#end(new DataFusionEngineError("The query was canceled.", { code: "query_canceled" }));
  }

  summary(): QuerySummary {
    return this.#final?.summary ?? this.#native.summary();
  }

  status(): QueryStatus {
    const finished = this.#final && { finished_at: this.#final.finishedAt };
    return { ...this.#facts, ...finished, ...this.summary() };
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
    const summary = this.#native.summary();
    this.#final = {
      summary: error === undefined ? summary : failed(summary, error),
      finishedAt: new Date().toISOString(),
    };
    this.#ended(this);
  }
}

function failed(summary: QuerySummary, error: unknown): QuerySummary {
  const canceled = error instanceof DataFusionEngineError && error.code === "query_canceled";
  return { ...summary, status: canceled ? "CANCELED" : "FAILED", error: queryFailure(error) };
}
