/** Peak memory of one append of a gigabyte, streamed as Arrow, and its speed. */
import { createReadStream, createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { cache } from "../setup/places.mjs";
import { exportBytes, exportWhole } from "./export.js";
import { residentBytes } from "./process-facts.js";
import { plainRow, type Report } from "./report.js";
import { arrowStream, RowSender } from "./row-sender.js";
import { rowsIn } from "./rows-in.js";
import { startLakegate } from "./service.js";
import { spread } from "./statistics.js";
import { makeTpch } from "./tpch.js";

const full = "SELECT * FROM lineitem";
const sums =
  "SELECT count(*) AS n, sum(l_orderkey) AS keys, sum(l_extendedprice) AS prices, max(l_comment) AS last FROM";

/** `rows` says what is appended; all of lineitem is a gigabyte. */
export async function appendMemory(rows = full): Promise<Report> {
  const tpch = await makeTpch();
  const folder = mkdtempSync(join(cache, "bench-append-"));
  try {
    const file = join(folder, "rows.arrow");
    const { expected, empty } = await exported(tpch, rows, file);
    const megabytes = statSync(file).size / 1e6;
    const { peak, rest, seconds, found } = await appended(folder, file, empty);
    if (found !== expected) throw new Error(`the rows became ${found} instead of ${expected}`);
    const figure = `append of ${megabytes.toFixed(0)} MB of Arrow: highest memory in MB`;
    const speed = `${(peak / 1e6).toFixed(0)} MB, ${(megabytes / seconds).toFixed(0)} MB/s`;
    return {
      title: "Memory of a streamed append",
      rows: [plainRow(figure, speed, spread([peak / 1e6]), "≤ 500 MB")],
      notes: [`the service before it: ${(rest / 1e6).toFixed(0)} MB`, "the count and sums of the rows are right"],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes the rows into a file; gives what their sums are, and a stream of none of them. */
async function exported(tpch: string, rows: string, file: string): Promise<{ expected: string; empty: Buffer }> {
  const service = await startLakegate(tpch);
  const target = createWriteStream(file);
  await exportBytes(service.url, rows, arrowStream, { onChunk: (chunk) => target.write(chunk) });
  await new Promise<void>((resolve) => target.end(resolve));
  const expected = JSON.stringify(await rowsIn(service.url, `${sums} (${rows})`));
  const empty = await exportWhole(service.url, `SELECT * FROM (${rows}) WHERE false`, arrowStream);
  await service.stop();
  return { expected, empty };
}

interface Appended {
  found: string;
  peak: number;
  rest: number;
  seconds: number;
}

async function appended(folder: string, file: string, empty: Buffer): Promise<Appended> {
  const warehouse = join(folder, "warehouse");
  mkdirSync(warehouse);
  const service = await startLakegate(warehouse);
  const sender = new RowSender(service.url);
  try {
    await sender.send("/v1/tables/copy/rows?mode=create", empty);
    const rest = residentBytes(service.pid);
    const started = performance.now();
    await sender.send("/v1/tables/copy/rows?mode=append", createReadStream(file, { highWaterMark: 2 ** 18 }));
    const seconds = (performance.now() - started) / 1000;
    const peak = highestMemory(service.pid);
    const found = JSON.stringify(await rowsIn(service.url, `${sums} copy`));
    return { found, peak, rest, seconds };
  } finally {
    sender.stop();
    await service.stop();
  }
}

function highestMemory(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmHWM:\s+(\d+) kB/)?.[1]) * 1024;
}
