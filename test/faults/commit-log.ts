/** The log of a table on the disk, read without Lakegate: which files it adds and removes, and whether that adds up. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commitFile } from "../fixture/tables.js";

interface Action {
  add?: { path: string };
  remove?: { path: string };
}

const ownFiles =
  /^(_delta_log|_delta_log\/\d{20}\.(json|crc|checkpoint(\.\d+\.\d+|\.[0-9a-f-]+)?\.(parquet|json))|_delta_log\/_last_checkpoint|_delta_log\/_sidecars(\/.*)?|(_change_data\/)?([^/]+=[^/]*\/)*[^/]+\.parquet|deletion_vector_[^/]+\.bin|_change_data|([^/]+=[^/]*\/?)+)$/;

export function newestVersion(folder: string): number {
  const versions = readdirSync(join(folder, "_delta_log")).map((name) => Number(name.match(/^(\d{20})\.json$/)?.[1]));
  return Math.max(...versions.filter(Number.isInteger));
}

/** What is wrong with the log: versions missing, files removed that are not there, added twice, or missing on the disk. */
export function faultsOfLog(warehouse: string, table: string): string[] {
  const folder = join(warehouse, table);
  const live = new Set<string>();
  const faults: string[] = [];
  for (let version = 0; version <= newestVersion(folder); version++) {
    const file = commitFile(warehouse, table, version);
    if (existsSync(file)) faults.push(...appliedCommit(live, readFileSync(file, "utf8"), version));
    else faults.push(`version ${version} is missing`);
  }
  const missing = [...live].filter((path) => !existsSync(join(folder, decodeURIComponent(path))));
  return [...faults, ...missing.map((path) => `${path} is in the table but not on the disk`)];
}

function appliedCommit(live: Set<string>, text: string, version: number): string[] {
  const faults: string[] = [];
  const actions = text
    .trim()
    .split("\n")
    .map((line): Action => JSON.parse(line));
  for (const { remove } of actions)
    if (remove && !live.delete(remove.path))
      faults.push(`version ${version} removes ${remove.path}, which is not there`);
  for (const { add } of actions) {
    if (add && live.has(add.path)) faults.push(`version ${version} adds ${add.path} again`);
    if (add) live.add(add.path);
  }
  return faults;
}

/** Files that belong to no table: what an interrupted commit left behind. */
export function strayFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => !ownFiles.test(path));
}
