/** A merge of 10 % into 3 million rows over HTTP, against the Python deltalake package. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withEngine } from "../setup/local-engine.js";
import { cache } from "../setup/places.mjs";
import { environments, interpreter } from "../setup/python.mjs";
import { exportWhole } from "./export.js";
import { LinePeer } from "./line-peer.js";
import { peakDuring } from "./process-facts.js";
import { type Report, ratioRow } from "./report.js";
import { arrowStream, RowSender } from "./row-sender.js";
import { rowsIn } from "./rows-in.js";
import { type Service, startLakegate } from "./service.js";
import { ratios, spread } from "./statistics.js";

const full = { rounds: 5, rows: 3_000_000 };
const instructions = {
  predicate: "t.id = s.id",
  source_alias: "s",
  target_alias: "t",
  matched_updates: { amount: "s.amount", name: "s.name" },
  not_matched_inserts: { id: "s.id", amount: "s.amount", name: "s.name" },
};

type Size = typeof full;

interface Run {
  service: Service;
  peer: LinePeer;
  folder: string;
  source: Buffer;
  sourceFile: string;
}

export async function merge(size: Size = full): Promise<Report> {
  const folder = mkdtempSync(join(cache, "bench-merge-"));
  const service = await startLakegate(folder);
  const peer = new LinePeer(interpreter(environments.bench), ["bench/python/delta_writer.py"]);
  try {
    await withEngine(folder, (engine) =>
      engine.write({ uri: "target", mode: "create", sources: {}, sql: rowsSql(1, size.rows, 1, "old") }),
    );
    const source = await exportWhole(service.url, sourceSql(size.rows), arrowStream);
    const sourceFile = join(folder, "source.arrow");
    writeFileSync(sourceFile, source);
    return await measure({ service, peer, folder, source, sourceFile }, size);
  } finally {
    await service.stop();
    await peer.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowsSql(from: number, to: number, step: number, name: string): string {
  return `SELECT value AS id, value * 0.25 AS amount, concat('${name} ', value % 1009) AS name
    FROM generate_series(${from}, ${to}, ${step})`;
}

/** A tenth of the table's rows: half of them are there, all over the table, and half are new. */
function sourceSql(rows: number): string {
  return `${rowsSql(20, rows, 20, "changed")} UNION ALL ${rowsSql(rows + 1, rows + rows / 20, 1, "new")}`;
}

async function measure(run: Run, { rounds, rows }: Size): Promise<Report> {
  const times = { ours: [] as number[], peer: [] as number[] };
  const { peak } = await peakDuring(run.service.pid, async () => {
    for (let round = 0; round < rounds; round++) {
      const ours = async () => times.ours.push(await ourSeconds(run, `ours_${round}`));
      const theirs = async () => times.peer.push(await peerSeconds(run, `peer_${round}`));
      for (const turn of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) await turn();
      await compare(run, `ours_${round}`, `peer_${round}`);
      console.log(`  merge round ${round + 1} of ${rounds}`);
    }
  });
  return {
    title: `Merge of ${rows / 10} rows into ${rows}, over HTTP / deltalake in process`,
    rows: [ratioRow("merge", seconds(times.ours), seconds(times.peer), ratios(times.ours, times.peer), "≤ 1")],
    notes: ["both made the same rows", `highest memory of the service: ${(peak / 2 ** 20).toFixed(0)} MiB`],
  };
}

async function ourSeconds({ service, folder, source }: Run, table: string): Promise<number> {
  cpSync(join(folder, "target"), join(folder, table), { recursive: true });
  const sender = new RowSender(service.url);
  const request = encodeURIComponent(JSON.stringify(instructions));
  const started = performance.now();
  await sender.send(`/v1/tables/${table}/merge?request=${request}`, source);
  const elapsed = (performance.now() - started) / 1000;
  sender.stop();
  return elapsed;
}

async function peerSeconds({ peer, folder, sourceFile }: Run, table: string): Promise<number> {
  cpSync(join(folder, "target"), join(folder, table), { recursive: true });
  const request = { operation: "merge", folder: join(folder, table), rows: sourceFile };
  return (await peer.ask<{ seconds: number }>(request)).seconds;
}

/** Fails unless both tables hold the same rows; then they have served. */
async function compare({ service, folder }: Run, ...tables: [string, string]): Promise<void> {
  const facts = "count(*) AS n, count(DISTINCT id) AS ids, sum(id) AS total, sum(amount) AS amounts, max(name) AS last";
  const sums = `SELECT ${facts}, count(*) FILTER (WHERE name LIKE 'changed%') AS changed FROM`;
  const [left, right] = await Promise.all(tables.map((table) => rowsIn(service.url, `${sums} ${table}`)));
  if (JSON.stringify(left) !== JSON.stringify(right))
    throw new Error(`the merges differ: ${JSON.stringify(left)} and ${JSON.stringify(right)}`);
  for (const table of tables) rmSync(join(folder, table), { recursive: true });
}

const seconds = (values: number[]) => `${spread(values).median.toFixed(2)} s`;
