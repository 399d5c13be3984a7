/** F4: kept results served again, against a bare Fastify and nginx that serve the same bytes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { cache, testWarehouse } from "../setup/places.mjs";
import { download, exportWhole } from "./export.js";
import { type Load, load, loadGenerator } from "./load.js";
import { startNginx } from "./nginx.js";
import { type Report, type Row, ratioRow } from "./report.js";
import { arrowStream, RowSender } from "./row-sender.js";
import { type Service, startBareRoute, startLakegate } from "./service.js";
import { quantile, ratios, spread } from "./statistics.js";

const rounds = 5;
const starts = 9;
const seconds = 3;
const warmUpSeconds = 1;
const smallSql = "SELECT * FROM flights LIMIT 100";
const largeSql = "SELECT * FROM flights";

export async function f4(): Promise<Report> {
  const folder = mkdtempSync(join(cache, "bench-hits-"));
  const lakegate = await startLakegate(testWarehouse);
  try {
    const small = await smallHits(folder);
    const rows = [...small.rows, await largeHit(lakegate, folder), await miss(lakegate)];
    return {
      title: "F4: kept results / a bare Fastify with the same bytes",
      rows,
      notes: [...small.notes, await commitsMeanwhile(folder), await manyEntries(folder)],
    };
  } finally {
    await lakegate.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function urlOf({ url }: Service, sql: string, more: Record<string, string> = {}): string {
  return `${url}/v1/query?${new URLSearchParams({ sql, format: "arrow", ...more })}`;
}

interface Hits {
  readonly hit: Load[];
  readonly known: Load[];
  readonly bare: Load[];
  readonly nginx: Load[];
}

/** The servers are started anew each round: how a process happens to lie in memory moves its rate by a quarter. */
async function smallHits(folder: string): Promise<{ rows: Row[]; notes: string[] }> {
  const loads: Hits = { hit: [], known: [], bare: [], nginx: [] };
  let size = 0;
  for (let round = 0; round < starts; round++) {
    size = await hitsOfStart(folder, round % 2 === 0, loads);
    console.log(`  F4 round ${round + 1} of ${starts}`);
  }
  const hasNginx = loads.nginx.length > 0;
  return {
    rows: compared(loads, size),
    notes: [
      `load by ${loadGenerator}, ${starts} starts`,
      ...(hasNginx ? [] : ["nginx is not installed: not compared"]),
    ],
  };
}

/** Answers the bytes of a body. */
async function hitsOfStart(folder: string, isForward: boolean, loads: Hits): Promise<number> {
  const lakegate = await startLakegate(testWarehouse);
  const url = urlOf(lakegate, smallSql);
  await (await fetch(url)).arrayBuffer();
  const answer = await fetch(url);
  const body = Buffer.from(await answer.arrayBuffer());
  const known = { "if-none-match": String(answer.headers.get("etag")) };
  const file = join(folder, "small.arrow");
  writeFileSync(file, body);
  const bare = await startBareRoute(file, arrowStream);
  const nginx = await startNginx(body);
  try {
    for (const one of [url, bare.url]) await load(one, warmUpSeconds);
    const turns = [
      async () => loads.hit.push(await load(url, seconds)),
      async () => loads.bare.push(await load(bare.url, seconds)),
      async () => loads.known.push(await load(url, seconds, known)),
      async () => nginx && loads.nginx.push(await load(nginx.url, seconds)),
    ];
    for (const turn of isForward ? turns : turns.reverse()) await turn();
    return body.length;
  } finally {
    await Promise.all([lakegate.stop(), bare.stop(), nginx?.stop()]);
  }
}

function compared({ hit, known, bare, nginx }: Hits, size: number): Row[] {
  const row = (figure: string, ours: Load[], theirs: Load[], goal: string) =>
    ratioRow(figure, perSecond(ours), perSecond(theirs), ratios(rates(ours), rates(theirs)), goal);
  const p99 = (loads: Load[]) => loads.map((one) => one.p99);
  const milliseconds = (loads: Load[]) => `${spread(p99(loads)).median.toFixed(1)} ms`;
  return [
    row(`F4 hit of ${size} bytes, 32 connections / bare`, hit, bare, "≥ 0.8"),
    ...(nginx.length > 0 ? [row("F4 the same / nginx", hit, nginx, "≥ 0.35")] : []),
    row("F4 304 / the hit", known, hit, "≥ 1"),
    ratioRow("F4 p99 of the hit / bare", milliseconds(hit), milliseconds(bare), ratios(p99(hit), p99(bare)), "≤ 3"),
  ];
}

const rates = (loads: Load[]) => loads.map(({ rate }) => rate);
const perSecond = (loads: Load[]) => `${spread(rates(loads)).median.toFixed(0)} /s`;

/** A large result from its file, against the file itself. */
async function largeHit(lakegate: Service, folder: string): Promise<Row> {
  const url = urlOf(lakegate, largeSql);
  const chunks: Buffer[] = [];
  await download(url, {}, "", { onChunk: (chunk) => chunks.push(chunk) });
  const file = join(folder, "large.arrow");
  writeFileSync(file, Buffer.concat(chunks));
  const bare = await startBareRoute(file, arrowStream);
  try {
    const throughput = async (from: string) => {
      const { bytes, seconds } = await download(from, {}, "");
      return bytes / seconds / 1e6;
    };
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds * 2; round++) {
      ours.push(await throughput(url));
      theirs.push(await throughput(bare.url));
    }
    const figure = (values: number[]) => `${spread(values).median.toFixed(0)} MB/s`;
    return ratioRow(
      "F4 hit of 100 MB of Arrow / its file",
      figure(ours),
      figure(theirs),
      ratios(ours, theirs),
      "≥ 0.7",
    );
  } finally {
    await bare.stop();
  }
}

/** What keeping a result costs the query that makes it. */
async function miss(lakegate: Service): Promise<Row> {
  const sql = "SELECT origin, destination, count(*) AS n, avg(delay) AS delay FROM flights GROUP BY 1, 2";
  const time = async (control: string) => {
    const started = performance.now();
    const answer = await fetch(urlOf(lakegate, sql), { headers: { "cache-control": control } });
    await answer.arrayBuffer();
    return performance.now() - started;
  };
  const kept: number[] = [];
  const plain: number[] = [];
  for (let round = 0; round < 30; round++) {
    const turns = [async () => kept.push(await time("no-cache")), async () => plain.push(await time("no-store"))];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  const figure = (values: number[]) => `${spread(values).median.toFixed(1)} ms`;
  return ratioRow("F4 miss / the same with no-store", figure(kept), figure(plain), ratios(kept, plain), "≤ 1.05");
}

/** Hits while the table gets a commit a second: each answer is of the version that was the last when it was asked for. */
async function commitsMeanwhile(folder: string): Promise<string> {
  const warehouse = mkdtempSync(join(folder, "commits-"));
  const service = await startLakegate(warehouse);
  const sender = new RowSender(service.url);
  try {
    const body = await exportWhole(service.url, "SELECT value AS id FROM generate_series(1, 1000)", arrowStream);
    await sender.send("/v1/tables/growing/rows?mode=create", body);
    const url = urlOf(service, "SELECT count(*) AS n FROM growing", { format: "json" });
    const state = { version: 0, ended: false };
    const commits = (async () => {
      for (let version = 1; version <= 10; version++) {
        await pause(1000);
        await sender.send("/v1/tables/growing/rows?mode=append", body);
        state.version = version;
      }
      state.ended = true;
    })();
    const { answers, stale, refreshes } = await watch(url, state);
    await commits;
    const refresh = refreshes.toSorted((left, right) => left - right);
    return `${answers} answers while there was a commit a second: ${stale} stale; the first after a commit took ${quantile(refresh, 0.5).toFixed(1)} ms in the median`;
  } finally {
    sender.stop();
    await service.stop();
  }
}

async function watch(url: string, state: { version: number; ended: boolean }) {
  let [answers, stale, seen] = [0, 0, 0];
  const refreshes: number[] = [];
  while (!state.ended) {
    const expected = state.version;
    const started = performance.now();
    const answer = await fetch(url);
    const { tables, data } = (await answer.json()) as { tables: { version: number }[]; data: { n: number }[] };
    const version = tables[0]?.version ?? -1;
    if (version < expected || data[0]?.n !== (version + 1) * 1000) stale += 1;
    if (version !== seen) refreshes.push(performance.now() - started);
    seen = version;
    answers += 1;
  }
  return { answers, stale, refreshes };
}

/** The start over a full cache, and hits in it. */
async function manyEntries(folder: string): Promise<string> {
  const state = mkdtempSync(join(folder, "state-"));
  const sql = (index: number) => `SELECT ${index} AS n`;
  const entries = 10_000;
  const filling = await startLakegate(testWarehouse, state);
  const empty = await lookup(filling, sql, 100);
  for (let next = 0; next < entries; next += 50)
    await Promise.all(
      Array.from({ length: 50 }, async (_, at) => (await fetch(urlOf(filling, sql(next + at)))).arrayBuffer()),
    );
  await filling.stop();
  const full = await startLakegate(testWarehouse, state);
  const first = await lookup(full, (index) => sql(index * 97), 100);
  await full.stop();
  return `start over ${entries} kept results: ${full.startMilliseconds.toFixed(0)} ms (empty ${filling.startMilliseconds.toFixed(0)} ms, goal ≤ 1000); a hit from disk ${first.toFixed(2)} ms in the median (the miss in an empty cache ${empty.toFixed(2)} ms)`;
}

async function lookup(service: Service, sql: (index: number) => string, count: number): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const started = performance.now();
    await (await fetch(urlOf(service, sql(index)))).arrayBuffer();
    times.push(performance.now() - started);
  }
  return spread(times).median;
}
