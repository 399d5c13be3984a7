/** The disk of the state is full: queries are answered all the same, and results are kept again when there is room. */
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CacheReport } from "../../schemas/generated/index.js";
import { cacheUse, formats } from "../fixture/results.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { ask, unfinishedFiles } from "./kept-results.js";
import type { Suite } from "./run.js";

const size = 4 << 20;
const rows = 4_000;

/** For the `skip` option of a test. */
export const withoutMounts = canMount() ? false : "file systems can't be mounted here";

export const fullDisk: Suite = async (_random, scale) => {
  if (withoutMounts) {
    console.log(`  the full disk is left out: ${withoutMounts}`);
    return [];
  }
  const state = temporaryFolder();
  mount(state);
  const server = await startServer({ state, environment: { LAKEGATE_DISK_RESERVE: "0" } });
  try {
    const faults = await filled(server, state, Math.round(400 * scale));
    await server.stop();
    return [...faults, ...unfinishedFiles(state).map((name) => `${name} was left behind`)];
  } finally {
    await server.stop();
    spawnSync("umount", [state]);
    rmSync(state, { recursive: true, force: true });
  }
};

async function filled(server: TestServer, state: string, queries: number): Promise<string[]> {
  const faults: string[] = [];
  const counts: Record<string, number> = {};
  const count = (end: string) => {
    counts[end] = (counts[end] ?? 0) + 1;
  };
  const judge = async (seed: number, format: (typeof formats)[number] = "csv") => {
    const answer = await ask(server, statement(seed), format);
    count(cacheUse(answer));
    if (answer.status !== 200 || !answer.complete) faults.push(`${seed} as ${format}: ${answer.status}`);
    else if (format === "csv" && answer.bytes.toString() !== expected(seed)) faults.push(`${seed}: wrong rows`);
  };
  for (let seed = 0; seed < Math.max(queries, 60); seed++) await judge(seed);
  takeTheRest(state);
  for (let seed = 10_000; seed < 10_000 + Math.max(queries / 4, 12); seed++)
    for (const format of formats) await judge(seed, format);
  for (let seed = 0; seed < 60; seed++) await judge(seed);
  faults.push(...(await refusesToPromise(server)));
  rmSync(join(state, "filler"));
  await server.client.send("/v1/cache", { method: "DELETE" });
  await judge(1);
  if (cacheUse(await ask(server, statement(1), "json")) !== "hit")
    faults.push("nothing is kept when there is room again");
  const { entries } = (await server.client.send("/v1/cache")).as<CacheReport>();
  if (entries !== 1) faults.push(`${entries} results are kept instead of one`);
  console.log(
    `  a full disk: ${Object.entries(counts)
      .map(([end, number]) => `${number} ${end}`)
      .join(", ")}`,
  );
  return faults;
}

/** What can't be remembered isn't accepted. */
async function refusesToPromise(server: TestServer): Promise<string[]> {
  const answer = await server.client.query({ sql: "SELECT random()", wait_timeout_ms: 0 });
  return answer.status === 503 ? [] : [`a query that can't be remembered: ${answer.status} ${answer.text}`];
}

function statement(seed: number): string {
  return `SELECT value + ${seed} AS n, 'row ' || CAST(value AS VARCHAR) AS text FROM generate_series(1, ${rows}) ORDER BY n`;
}

function expected(seed: number): string {
  const lines = Array.from({ length: rows }, (_, index) => `${index + 1 + seed},row ${index + 1}\r\n`);
  return `n,text\r\n${lines.join("")}`;
}

/** Writes until nothing fits any more. */
function takeTheRest(state: string): void {
  for (let block = 1 << 20; block >= 1; block >>= 1) {
    try {
      for (;;) writeFileSync(join(state, "filler"), Buffer.alloc(block), { flag: "a" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }
}

function mount(folder: string): void {
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder]);
  if (status !== 0) throw new Error(`mount failed: ${stderr}`);
}

function canMount(): boolean {
  const folder = temporaryFolder();
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder]).status === 0;
  if (mounted) spawnSync("umount", [folder]);
  rmSync(folder, { recursive: true, force: true });
  return mounted;
}
