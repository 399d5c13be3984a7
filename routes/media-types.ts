/** The media types that bodies come in and results go out as. */
import type { GraphFormat, ResultFormat } from "../schemas/generated/index.js";

export const json = "application/json";
export const messagePack = "application/vnd.msgpack";
export const plainText = "text/plain";
export const sqlText = "application/sql";
export const problemJson = "application/problem+json";
export const schemaJson = "application/schema+json";

export const eventStream = "text/event-stream";

/** The formats that graphs go out as. */
export const graphMediaTypes: Readonly<Record<GraphFormat, string>> = {
  json,
  mermaid: "text/vnd.mermaid",
  graphviz: "text/vnd.graphviz",
};

/** The formats that rows come in. */
export const rowMediaTypes = {
  json,
  ndjson: "application/x-ndjson",
  csv: "text/csv",
  arrow: "application/vnd.apache.arrow.stream",
  parquet: "application/vnd.apache.parquet",
} as const;

/** In the order of preference among formats that a client likes equally. */
export const resultMediaTypes: Readonly<Record<ResultFormat, string>> = {
  ...rowMediaTypes,
  msgpack: messagePack,
};
