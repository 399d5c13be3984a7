/** Every operation once, on tables with every type; after each of them Lakegate's own answer is kept. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeltaMutationReport } from "../../schemas/generated/index.js";
import { inRoot } from "../../setup/places.mjs";
import type { Answer, Client } from "../fixture/client.js";

/** A table at a version, and what Lakegate answers for it as Arrow. */
export interface Reading {
  step: string;
  table: string;
  version: number;
  arrow: string;
}

interface Step {
  table: string;
  step: string;
  path: string;
  method?: string;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

const arrow = "application/vnd.apache.arrow.stream";
const mediaTypes = {
  arrow,
  parquet: "application/vnd.apache.parquet",
  ndjson: "application/x-ndjson",
  csv: "text/csv",
};

/** Performs all steps and reads the table after each. */
export async function performSteps(client: Client, python: string): Promise<Reading[]> {
  const folder = mkdtempSync(join(tmpdir(), "lakegate-interop-"));
  execFileSync(python, [inRoot("test/interop/bodies.py"), folder], { stdio: "inherit" });
  const readings: Reading[] = [];
  for (const step of [...typesSteps(folder), ...partitionedSteps(folder), ...plainSteps()]) {
    const answer = await client.send(step.path, { method: "POST", ...step });
    if (answer.status >= 300) throw new Error(`${step.table}, ${step.step}: ${answer.status} ${answer.text}`);
    readings.push(await read(client, step, versionIn(answer), join(folder, `${readings.length}.arrow`)));
  }
  return readings;
}

function versionIn(answer: Answer): number {
  return answer.as<DeltaMutationReport>().version;
}

async function read(client: Client, { table, step }: Step, version: number, arrowFile: string): Promise<Reading> {
  const query = { sql: `SELECT * FROM ${table}`, tables: { [table]: { version } } };
  const answer = await client.query(query, { accept: arrow });
  if (answer.status !== 200) throw new Error(`${table} after ${step}: ${answer.status} ${answer.text}`);
  writeFileSync(arrowFile, answer.bytes);
  return { step, table, version, arrow: arrowFile };
}

function typesSteps(folder: string): Step[] {
  const table = "types";
  const body = (name: string) => readFileSync(join(folder, name));
  return [
    rows(table, "create from Arrow", "mode=create", "arrow", body("first.arrow")),
    rows(table, "append Parquet", "mode=append", "parquet", body("second.parquet")),
    rows(table, "append Arrow with field ids", "mode=append", "arrow", body("numbered.arrow")),
    operation(table, "optimize", {}),
    operation(table, "update", { predicate: "id % 3 = 0", updates: { text: "concat(text, '!')", large: "large / 3" } }),
    operation(table, "delete", { predicate: "id % 5 = 0 OR text IS NULL AND id > 20" }),
    rows("arrivals", "create from Arrow", "mode=create", "arrow", body("merged.arrow")),
    operation(table, "merge", mergeOfArrivals),
    operation(table, "optimize", { z_order_columns: ["id"] }),
    rows(
      table,
      "replace rows",
      `mode=overwrite&replace_where=${encodeURIComponent("id >= 100")}`,
      "arrow",
      body("last.arrow"),
    ),
    operation(table, "restore", { version: 3 }),
    operation(table, "constraints", { constraints: { not_negative: "id >= 0" } }),
    operation(table, "properties", { properties: { "delta.enableChangeDataFeed": "true" } }),
    operation(table, "update", { predicate: "id < 4", updates: { flag: "NOT flag" } }),
    operation(table, "delete", { predicate: "id = 1" }),
    operation(table, "checkpoint", {}),
    rows(table, "append a new column", "mode=append&schema_mode=merge", "arrow", body("wider.arrow")),
    operation(table, "vacuum", { dry_run: false }),
    operation(table, "delete", { predicate: "true" }),
    rows(table, "overwrite", "mode=overwrite&schema_mode=overwrite", "arrow", body("last.arrow")),
  ];
}

const mergedColumns = [
  ...["flag", "tiny", "small", "medium", "large", "single", "double", "money", "exact", "day", "moment"],
  ...["local", "text", "bytes", "list", "point", "map", "deep"],
];

const mergeOfArrivals = {
  source: { table: { name: "arrivals" } },
  source_alias: "s",
  target_alias: "t",
  predicate: "t.id = s.id",
  matched_updates: Object.fromEntries(["text", "money", "list", "deep"].map((name) => [name, `s.${name}`])),
  not_matched_inserts: Object.fromEntries(["id", ...mergedColumns].map((name) => [name, `s.${name}`])),
};

function partitionedSteps(folder: string): Step[] {
  const table = "partitioned";
  const body = (name: string) => readFileSync(join(folder, name));
  const columns = encodeURIComponent("place,year,day,moment,money,flag");
  const odd = encodeURIComponent("year = 2001");
  return [
    rows(table, "create", `mode=create&partition_columns=${columns}`, "arrow", body("partitioned.arrow")),
    rows(table, "append", "mode=append", "arrow", body("partitioned.arrow")),
    operation(table, "update", { predicate: "place = 'Zürich'", updates: { text: "'updated'" } }),
    operation(table, "delete", { predicate: "place IS NULL AND id < 10" }),
    operation(table, "optimize", {}),
    rows(table, "replace a partition", `mode=overwrite&replace_where=${odd}`, "arrow", body("replaced.arrow")),
    operation(table, "restore", { version: 1 }),
  ];
}

const plainColumns = [
  { name: "id", dtype: "Int64", nullable: false },
  { name: "name", dtype: "Utf8" },
  { name: "price", dtype: "Decimal128(12, 3)" },
  { name: "ratio", dtype: "Float64" },
  { name: "day", dtype: "Date32" },
  { name: "moment", dtype: 'Timestamp(Microsecond, "UTC")' },
  { name: "local", dtype: "Timestamp(Microsecond, None)" },
  { name: "ok", dtype: "Boolean" },
];

function plainSteps(): Step[] {
  const table = "plain";
  const first = { name: 'Zürich, "ZRH"\n', price: "12345.678", ratio: 0.1, day: "2024-02-29", ok: true };
  const times = { moment: "2024-02-29T12:30:01.123456Z", local: "2024-02-29T12:30:01.5" };
  const csv = `id,name,price,ratio,day,moment,local,ok\r\n5,"Zürich, ""ZRH""\n",-0.001,1e-7,1969-12-31,1969-12-31T23:59:59.999999Z,0001-01-01T00:00:00,false\r\n6,,,,,,,\r\n`;
  return [
    create(table, { columns: plainColumns, constraints: { known: "id > 0" } }),
    rows(table, "append JSON", "mode=append", "json", JSON.stringify([{ id: 1, ...first, ...times }, { id: 2 }])),
    rows(
      table,
      "append NDJSON",
      "mode=append",
      "ndjson",
      `${JSON.stringify({ id: 3, ...first, ...times })}\n{"id": 4}\n`,
    ),
    rows(table, "append CSV", "mode=append", "csv", csv),
  ];
}

function create(table: string, definition: object): Step {
  return { ...operation(table, "", definition), step: "create", method: "PUT", path: `/v1/tables/${table}` };
}

function rows(
  table: string,
  step: string,
  selection: string,
  format: keyof typeof mediaTypes | "json",
  body: string | Uint8Array,
): Step {
  const type = format === "json" ? "application/json" : mediaTypes[format];
  return { table, step, path: `/v1/tables/${table}/rows?${selection}`, headers: { "content-type": type }, body };
}

function operation(table: string, name: string, instructions: object): Step {
  const headers = { "content-type": "application/json" };
  return { table, step: name, path: `/v1/tables/${table}/${name}`, headers, body: JSON.stringify(instructions) };
}
