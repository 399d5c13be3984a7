/** Runs nodes as queries, whose rows are kept with other results. */
import type { KeptRelation } from "../../schemas/generated/index.js";
import { parseJson } from "../json.js";
import type { KeptResults } from "../kept-results.js";
import type { Queries } from "../queries.js";
import type { ResultReader } from "../result-reader.js";
import type { GraphAdapter, NodeRows, NodeWork } from "./graph-adapter.js";

export interface QueryGraphAdapterParts {
  readonly queries: Queries;
  readonly kept: KeptResults;
  readonly reader: ResultReader;
}

export class QueryGraphAdapter implements GraphAdapter {
  readonly #parts: QueryGraphAdapterParts;

  constructor(parts: QueryGraphAdapterParts) {
    this.#parts = parts;
  }

  async compute(work: NodeWork): Promise<NodeRows> {
    const { run, node, sql, parameters, key, kept, views, own, pins, gate, timeoutMs, caller, signal } = work;
    const request = {
      sql,
      parameters: { ...parameters },
      tables: { ...pins },
      gate,
      labels: { pipeline: run.pipeline, run: run.id, node },
      ...(timeoutMs !== undefined && { timeout_ms: least(timeoutMs, caller.terms.timeout_ms) }),
    };
    const provided = { kept: { ...kept }, views: { ...views }, own: [...own] };
    const query = await this.#parts.queries.keep(request, provided, { key, caller, signal });
    const { row_count, schema = { fields: [] } } = query.summary();
    return { rows: row_count, schema, queryId: query.id };
  }

  async find(key: string): Promise<NodeRows | undefined> {
    const found = await this.#parts.kept.open(key);
    return found && { rows: found.description.row_count, schema: found.description.head.schema };
  }

  has(key: string): boolean {
    return this.#parts.kept.has(key);
  }

  relation(key: string): KeptRelation {
    return { path: this.#parts.kept.path(key), key };
  }

  async sample(key: string, limit: number): Promise<Record<string, unknown>[]> {
    const body = await this.#parts.reader.rows(key, { format: "ndjson" }, { limit });
    if (body === undefined) return [];
    const chunks = [body.first];
    if (!body.complete) for (let more = await body.next(); more !== null; more = await body.next()) chunks.push(more);
    const lines = Buffer.concat(chunks).toString().split("\n");
    return lines.filter((line) => line !== "").map((line) => parseJson(line) as Record<string, unknown>);
  }

  forget(key: string): void {
    this.#parts.kept.evict(key);
  }
}

function least(one: number, other: number | null | undefined): number {
  return other == null ? one : Math.min(one, other);
}
