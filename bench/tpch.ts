/** TPC-H at scale factor 1 as Delta tables, written by the engine from tpchgen's Parquet files. */
import { execFileSync } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cache } from "../setup/places.mjs";
import { environments, interpreter } from "../setup/python.mjs";
import { writeTables } from "./write-tables.js";

export const tpchTables = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"];
export const tpchWarehouse = join(cache, "bench", "tpch-sf1");

const parquet = join(cache, "bench", "tpch-sf1-parquet");

export interface TpchQuery {
  number: number;
  sql: string;
  /** What DuckDB gets, as text. */
  rows: (string | null)[][];
}

export async function makeTpch(): Promise<void> {
  if (existsSync(tpchWarehouse)) return;
  makeParquet();
  const unfinished = `${tpchWarehouse}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  console.log("writing the TPC-H tables through the engine");
  await writeTables(
    unfinished,
    tpchTables.map((name) => ({ name, path: join(parquet, `${name}.parquet`) })),
  );
  renameSync(unfinished, tpchWarehouse);
}

export function tpchQueries(): TpchQuery[] {
  const output = execFileSync(interpreter(environments.bench), ["bench/python/tpch_queries.py", parquet], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(output);
}

function makeParquet(): void {
  if (existsSync(join(parquet, "supplier.parquet"))) return;
  console.log("generating TPC-H with tpchgen-cli");
  const generator = join(dirname(interpreter(environments.bench)), "tpchgen-cli");
  const unfinished = `${parquet}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  execFileSync(generator, ["parquet", "-s", "1", "--output-dir", unfinished], { stdio: "inherit" });
  rmSync(parquet, { recursive: true, force: true });
  renameSync(unfinished, parquet);
}
