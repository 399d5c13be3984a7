/** TPC-H as Delta tables, written by the engine from tpchgen's Parquet files. */
import { execFileSync } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cache } from "../setup/places.mjs";
import { environments, interpreter } from "../setup/python.mjs";
import { writeTables } from "./write-tables.js";

export const tpchTables = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"];

/** By scale factor. */
const warehouseAt = (scale: number) => join(cache, "bench", `tpch-sf${scale}`);
const parquetAt = (scale: number) => join(cache, "bench", `tpch-sf${scale}-parquet`);

export interface TpchQuery {
  number: number;
  sql: string;
  /** What DuckDB gets, as text. */
  rows: (string | null)[][];
}

/** Answers the folder of the tables, which are made where they aren't there. */
export async function makeTpch(scale = 1): Promise<string> {
  const warehouse = warehouseAt(scale);
  if (existsSync(warehouse)) return warehouse;
  const parquet = makeParquet(scale);
  const unfinished = `${warehouse}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  console.log("writing the TPC-H tables through the engine");
  await writeTables(
    unfinished,
    tpchTables.map((name) => ({ name, path: join(parquet, `${name}.parquet`) })),
  );
  renameSync(unfinished, warehouse);
  return warehouse;
}

export function tpchQueries(scale = 1): TpchQuery[] {
  const output = execFileSync(interpreter(environments.bench), ["bench/python/tpch_queries.py", makeParquet(scale)], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(output);
}

function makeParquet(scale: number): string {
  const parquet = parquetAt(scale);
  if (existsSync(join(parquet, "supplier.parquet"))) return parquet;
  console.log("generating TPC-H with tpchgen-cli");
  const generator = join(dirname(interpreter(environments.bench)), "tpchgen-cli");
  const unfinished = `${parquet}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  execFileSync(generator, ["parquet", "-s", String(scale), "--output-dir", unfinished], { stdio: "inherit" });
  rmSync(parquet, { recursive: true, force: true });
  renameSync(unfinished, parquet);
  return parquet;
}
