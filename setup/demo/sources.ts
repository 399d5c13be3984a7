// Turns the JSON files of vega-datasets into NDJSON, which the engine reads; the other formats it reads as they are.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import type { DemoTable } from "./tables.js";

type Row = Record<string, unknown>;

const data = join(dirname(createRequire(import.meta.url).resolve("vega-datasets")), "..", "data");

export function sourcePath({ file, format }: DemoTable, temporary: string): string {
  const path = join(data, file);
  if (format !== "ndjson") return path;
  const lines = rowsOf(JSON.parse(readFileSync(path, "utf8"))).map((row) => JSON.stringify(row));
  const converted = join(temporary, `${basename(file, ".json")}.ndjson`);
  writeFileSync(converted, lines.join("\n"));
  return converted;
}

/** GeoJSON keeps its rows under `features`; some film titles, such as 300, are delivered as numbers. */
function rowsOf(document: Row[] | { features: Row[] }): Row[] {
  const rows = Array.isArray(document) ? document : document.features;
  return rows.map((row) => (typeof row.Title === "number" ? { ...row, Title: String(row.Title) } : row));
}
