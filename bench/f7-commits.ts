/** F7: a table of 10,000 commits without a checkpoint: opened, refreshed and queried, against deltalake in its own process. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cache } from "../setup/places.mjs";
import { environments, interpreter } from "../setup/python.mjs";
import { download, exportWhole } from "./export.js";
import { LinePeer } from "./line-peer.js";
import { plainRow, type Report, type Row } from "./report.js";
import { type Service, startLakegate } from "./service.js";
import { spread } from "./statistics.js";

const commits = 10_000;
const rounds = 15;
const count = "SELECT count(*) AS n FROM commits";
const one = "SELECT id FROM commits WHERE id = 4711";

interface Times {
  ours: number[];
  peer: number[];
}

export async function f7(): Promise<Report> {
  const warehouse = mkdtempSync(join(cache, "bench-commits-"));
  const folder = join(warehouse, "commits");
  const peer = new LinePeer(interpreter(environments.bench), ["bench/python/commit_log.py"]);
  try {
    await peer.ask({ operation: "write", folder, start: 0, end: commits });
    const theirs = await peer.ask<number>({ operation: "open", folder });
    const service = await startLakegate(warehouse);
    try {
      const ours = await timed(() => ask(service, count));
      return report(ours, theirs * 1000, await measure(service, peer, folder));
    } finally {
      await service.stop();
    }
  } finally {
    await peer.stop();
    rmSync(warehouse, { recursive: true, force: true });
  }
}

async function measure(service: Service, peer: LinePeer, folder: string): Promise<Record<string, Times>> {
  const times: Record<string, Times> = {};
  const note = (figure: string, ours: number, theirs: number) => {
    times[figure] ??= { ours: [], peer: [] };
    times[figure].ours.push(ours);
    times[figure].peer.push(theirs * 1000);
  };
  const query = async (figure: string, sql: string) =>
    note(figure, await timed(() => ask(service, sql)), await peer.ask<number>({ operation: "query", sql }));
  const refresh = async (figure: string) =>
    note(figure, await timed(() => look(service)), await peer.ask<number>({ operation: "refresh" }));
  await ask(service, one);
  for (let round = 0; round < rounds; round++) {
    await query("F7 count(*) on the open table", count);
    await query("F7 one row of it", one);
    await refresh("F7 refresh after +0");
    await peer.ask({ operation: "write", folder, start: commits + round, end: commits + round + 1 });
    await refresh("F7 refresh after +1");
    await query("F7 count(*), the first after +1", count);
  }
  return times;
}

function report(open: number, theirOpen: number, times: Record<string, Times>): Report {
  const goals: Record<string, string> = {
    "F7 refresh after +0": "≤ 2 ms",
    "F7 refresh after +1": "≤ 2 ms",
    "F7 count(*) on the open table": "≤ 5 ms",
    "F7 one row of it": "≤ 5 ms",
  };
  const row = (figure: string, ours: number[], peer: number[], goal: string): Row => {
    const [mine, theirs] = [spread(ours), spread(peer)];
    const shown = plainRow(figure, `${mine.median.toFixed(1)} ms`, mine, goal);
    return { ...shown, peer: `${theirs.median.toFixed(1)} ms`, ratio: (theirs.median / mine.median).toFixed(1) };
  };
  return {
    title: `F7: a table of ${commits} commits without a checkpoint, over HTTP / deltalake in process`,
    rows: [
      row("F7 open and count", [open], [theirOpen], "≥ 3×"),
      ...Object.entries(times).map(([figure, { ours, peer }]) => row(figure, ours, peer, goals[figure] ?? "")),
    ],
    notes: ["the ratio is deltalake's time / ours; ours has a request over HTTP in it"],
  };
}

const ask = (service: Service, sql: string) => exportWhole(service.url, sql, "application/vnd.apache.arrow.stream");

async function look(service: Service): Promise<void> {
  await download(`${service.url}/v1/tables/commits/schema`, {}, "");
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
