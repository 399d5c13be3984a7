/** Tells whether something built is older than what it was built from. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "./places.mjs";

export function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Folders count too: their times change when a file is added or removed. */
export function newest(path) {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status) return 0;
  if (!status.isDirectory()) return status.mtimeMs;
  return Math.max(status.mtimeMs, ...readdirSync(path).map((entry) => newest(join(path, entry))));
}

export function isStale(built, sources) {
  const since = modified(inRoot(built));
  return since === 0 || sources.some((source) => newest(inRoot(source)) > since);
}
