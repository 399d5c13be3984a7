/** F8: appends of 1,000 rows, one writer against deltalake, and 32 writers against one. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cache } from "../setup/places.mjs";
import { environments, interpreter } from "../setup/python.mjs";
import { durablePutsPerSecond } from "./durable-puts.js";
import { exportWhole } from "./export.js";
import { LinePeer } from "./line-peer.js";
import { type Report, ratioRow } from "./report.js";
import { arrowStream, RowSender } from "./row-sender.js";
import { rowsIn } from "./rows-in.js";
import { type Service, startLakegate } from "./service.js";
import { ratios, spread } from "./statistics.js";

const full = { rounds: 5, commits: 200, perWriter: 60 };
const writers = 32;
const rowsEach = 1000;
const rowsSql = `SELECT value AS id, value * 0.5 AS amount, concat('customer ', value % 97) AS name
  FROM generate_series(1, ${rowsEach})`;

type Size = typeof full;

interface Rates {
  /** Commits a second. */
  one: number[];
  peer: number[];
  /** Rows a second. */
  many: number[];
}

/** The tables are on the disk that the cache is on: the temporary folder may be none. */
export async function f8(size: Size = full): Promise<Report> {
  const folder = mkdtempSync(join(cache, "bench-appends-"));
  const service = await startLakegate(folder);
  const peer = new LinePeer(interpreter(environments.bench), ["bench/python/delta_writer.py"]);
  try {
    return report(await measure(service, peer, folder, size), durablePutsPerSecond(folder));
  } finally {
    await service.stop();
    await peer.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(service: Service, peer: LinePeer, folder: string, size: Size): Promise<Rates> {
  const body = await exportWhole(service.url, rowsSql, arrowStream);
  const file = join(folder, "rows.arrow");
  writeFileSync(file, body);
  const rates: Rates = { one: [], peer: [], many: [] };
  for (let round = 0; round < size.rounds; round++) {
    const ours = async () =>
      rates.one.push((await appendAll(service, body, `one_${round}`, 1, size.commits)) / rowsEach);
    const theirs = async () => rates.peer.push(await peerRate(peer, join(folder, `peer_${round}`), file, size.commits));
    for (const turn of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) await turn();
    rates.many.push(await appendAll(service, body, `many_${round}`, writers, size.perWriter));
    console.log(`  F8 round ${round + 1} of ${size.rounds}`);
  }
  return rates;
}

/** Rows a second; every row that was acknowledged must be there. */
async function appendAll({ url }: Service, body: Buffer, table: string, count: number, each: number): Promise<number> {
  const sender = new RowSender(url);
  await sender.send(`/v1/tables/${table}/rows?mode=create`, body);
  const started = performance.now();
  await Promise.all(
    Array.from({ length: count }, async () => {
      for (let commit = 0; commit < each; commit++) await sender.send(`/v1/tables/${table}/rows?mode=append`, body);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  sender.stop();
  const [found] = await rowsIn(url, `SELECT count(*) AS n FROM ${table}`);
  const expected = (count * each + 1) * rowsEach;
  if (found?.["n"] !== expected) throw new Error(`${table} has ${found?.["n"]} rows instead of ${expected}`);
  return (count * each * rowsEach) / seconds;
}

async function peerRate(peer: LinePeer, folder: string, rows: string, commits: number): Promise<number> {
  const { seconds } = await peer.ask<{ seconds: number }>({ operation: "append", folder, rows, commits });
  return commits / seconds;
}

function report({ one, peer, many }: Rates, puts: number): Report {
  const single = one.map((commits) => commits * rowsEach);
  return {
    title: "F8: appends of 1,000 rows, durable / deltalake without fsync; 32 writers / one",
    rows: [
      ratioRow("F8 commits a second", perSecond(one), perSecond(peer), ratios(one, peer), "≥ 0.9"),
      ratioRow(
        `F8 rows a second, ${writers} writers / one`,
        perSecond(many),
        perSecond(single),
        ratios(many, single),
        "≥ 10",
      ),
    ],
    notes: ["every acknowledged row was there", `durable puts of a small file on this disk: ${puts.toFixed(0)} /s`],
  };
}

const perSecond = (values: number[]) => `${spread(values).median.toFixed(0)} /s`;
