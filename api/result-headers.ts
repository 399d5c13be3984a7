/** The headers that describe a result. */
import { type FoundResult, type ResultBody, variantOf } from "../engine/index.js";
import { resultMediaTypes } from "../routes/index.js";
import type {
  CacheStatus,
  NumberStyle,
  QuerySummary,
  ResultFormat,
  RowFormat,
  TableVersion,
} from "../schemas/generated/index.js";

export type Headers = Record<string, string>;

const charset: Partial<Record<ResultFormat, string>> = { json: "; charset=utf-8", csv: "; charset=utf-8" };

/** How RFC 9211 names what the cache did. */
const forwarded: Readonly<Record<CacheStatus, string>> = {
  hit: "hit",
  miss: "fwd=uri-miss",
  stale: "fwd=stale",
  refresh: "fwd=request",
  bypass: "fwd=bypass",
};

/** Clients refuse headers that are longer together than 16 KiB. */
const longestStatement = 8192;

export interface Style {
  readonly numbers?: NumberStyle;
  readonly row_format?: RowFormat;
}

export function bodyHeaders(format: ResultFormat, { head }: Pick<ResultBody, "head">): Headers {
  const headers: Headers = {
    "content-type": `${resultMediaTypes[format]}${charset[format] ?? ""}`,
    // Pages of other sites are answered by name, where they may ask.
    vary: "accept, accept-encoding, origin",
  };
  if (head.tables.length > 0) headers["lakegate-tables"] = head.tables.map(tableVersion).join(", ");
  return headers;
}

export function cacheHeaders({ use, age, collapsed }: FoundResult): Headers {
  return {
    "cache-status": collapsed ? "lakegate; fwd=uri-miss; collapsed" : `lakegate; ${forwarded[use.status]}`,
    ...(use.status === "hit" && { age: String(age) }),
  };
}

export function timing({ stats }: QuerySummary): Headers {
  return { "server-timing": `plan;dur=${milliseconds(stats.plan_ms)}, execute;dur=${milliseconds(stats.execute_ms)}` };
}

export function counts({ row_count, truncated }: Pick<QuerySummary, "row_count" | "truncated">): Headers {
  return { "query-row-count": String(row_count), "query-truncated": String(truncated) };
}

/** The statement of a query that the client hasn't written, in the bytes that a header may have. */
export function statement(sql: string | undefined): Headers {
  const text = sql === undefined ? "" : encodeURIComponent(sql);
  return text === "" || text.length > longestStatement ? {} : { "query-sql": text };
}

/** The tag of the bytes that a result is in this format, and of no others. */
export function resultTag(format: ResultFormat, style: Style, { revision }: Pick<ResultBody, "revision">): string {
  return `${revision}.${variantOf({ format, ...style })}`;
}

function tableVersion({ name, version }: TableVersion): string {
  return `${encodeURIComponent(name)}=${version}`;
}

function milliseconds(value = 0): string {
  return value.toFixed(1);
}
