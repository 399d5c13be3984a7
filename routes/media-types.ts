/** The media types that bodies come in and results go out as. */
import type { ResultFormat } from "../schemas/generated/index.js";

export const json = "application/json";
export const messagePack = "application/vnd.msgpack";
export const plainText = "text/plain";
export const sqlText = "application/sql";
export const problemJson = "application/problem+json";
export const schemaJson = "application/schema+json";

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
