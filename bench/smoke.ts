/** A short look at queries, appends and merges, in under two minutes once the peers are installed. */
import { f1 } from "./f1-tpch.js";
import { f8 } from "./f8-appends.js";
import { merge } from "./merge.js";
import type { Report } from "./report.js";

export async function smoke(): Promise<Report> {
  const reports = [
    await f1({ scale: 0.1, rounds: 1 }),
    await f8({ rounds: 1, commits: 30, perWriter: 5 }),
    await merge({ rounds: 1, rows: 100_000 }),
  ];
  return {
    title: "Smoke: figures of a small scale, each measured once",
    rows: reports.flatMap(({ rows }) => rows).map((row) => ({ ...row, goal: "" })),
    notes: reports.flatMap(({ notes }) => notes),
  };
}
