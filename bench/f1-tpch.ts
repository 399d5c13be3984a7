/** F1: the 22 TPC-H queries over HTTP as Arrow, against engines in processes of their own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environments, interpreter } from "../setup/python.mjs";
import { exportBytes, exportWhole } from "./export.js";
import { LinePeer } from "./line-peer.js";
import { peakDuring, processorSeconds } from "./process-facts.js";
import { type Report, type Row, ratioRow } from "./report.js";
import { type Service, startLakegate } from "./service.js";
import { ratios, spread, sum } from "./statistics.js";
import { makeTpch, type TpchQuery, tpchQueries } from "./tpch.js";

const full = { scale: 1, rounds: 5 };

/** The first is compared query by query. */
const peers: readonly { engine: string; name: string; goal: string }[] = [
  { engine: "query_builder", name: "deltalake's QueryBuilder", goal: "≤ 0.65" },
  { engine: "duckdb", name: "DuckDB", goal: "≤ 1" },
  { engine: "polars", name: "Polars", goal: "≤ 1" },
];

interface PeerAnswer {
  seconds: number;
  processor: number;
  rows: number;
  peak_bytes: number;
}

/** What one engine took. */
interface Side {
  /** Seconds, a list a query, a value a round. */
  readonly times: number[][];
  /** Processor seconds of each round. */
  readonly processor: number[];
  peakBytes: number;
}

export async function f1({ scale, rounds } = full): Promise<Report> {
  const warehouse = await makeTpch(scale);
  const queries = tpchQueries(scale);
  const service = await startLakegate(warehouse);
  const python = interpreter(environments.bench);
  const others = peers.map(({ engine }) => new LinePeer(python, ["bench/python/tpch_peer.py", engine, warehouse]));
  try {
    const wrong = await wrongAnswers(service, queries);
    const { result: ours, theirs } = await measure(service, others, queries, rounds);
    return {
      title: `F1: TPC-H SF${scale} over HTTP (Arrow) / engines in process`,
      rows: compared(queries, ours, theirs),
      notes: [
        `answers equal to DuckDB's: ${queries.length - wrong.length} of ${queries.length}`,
        ...wrong,
        `best of ${rounds} for each query, in all: ${listed([ours, ...theirs], ({ times }) => `${sum(times.map((one) => Math.min(...one))).toFixed(2)} s`)}`,
        `highest memory: ${listed([ours, ...theirs], ({ peakBytes }) => `${(peakBytes / 2 ** 20).toFixed(0)} MiB`)}`,
      ],
    };
  } finally {
    await service.stop();
    for (const peer of others) await peer.stop();
  }
}

async function wrongAnswers(service: Service, queries: TpchQuery[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "lakegate-answers-"));
  const checker = new LinePeer(interpreter(environments.bench), ["bench/python/check_answer.py"]);
  const wrong: string[] = [];
  for (const { number, sql, rows } of queries) {
    const arrow = join(folder, `${number}.arrow`);
    writeFileSync(arrow, await exportWhole(service.url, sql, "application/vnd.apache.arrow.stream"));
    const difference = await checker.ask<string | null>({ arrow, rows });
    if (difference) wrong.push(`q${number} is wrong: ${difference}`);
  }
  await checker.stop();
  rmSync(folder, { recursive: true });
  return wrong;
}

async function measure(
  service: Service,
  others: readonly LinePeer[],
  queries: readonly TpchQuery[],
  rounds: number,
): Promise<{ result: Side; theirs: Side[] }> {
  const ours = side(queries);
  const theirs = others.map(() => side(queries));
  const { peak } = await peakDuring(service.pid, async () => {
    for (let round = 0; round < rounds; round++) {
      const before = processorSeconds(service.pid);
      for (const one of theirs) one.processor.push(0);
      for (const [index, query] of queries.entries()) {
        const turns = [
          async () => ours.times[index]?.push(await ourSeconds(service, query.sql)),
          ...others.map(
            (peer, at) => async () => note(theirs[at], index, await peer.ask<PeerAnswer>(query.sql), query),
          ),
        ];
        for (const turn of (round + index) % 2 === 0 ? turns : turns.reverse()) await turn();
      }
      ours.processor.push(processorSeconds(service.pid) - before);
      console.log(`  F1 round ${round + 1} of ${rounds}`);
    }
  });
  ours.peakBytes = peak;
  return { result: ours, theirs };
}

const side = (queries: readonly TpchQuery[]): Side => ({ times: queries.map(() => []), processor: [], peakBytes: 0 });

/** An engine that reads other rows isn't one to compare with. */
function note(peer: Side | undefined, index: number, answer: PeerAnswer, { number, rows }: TpchQuery): void {
  if (peer === undefined) return;
  if (answer.rows !== rows.length) throw new Error(`a peer has ${answer.rows} rows for q${number}, not ${rows.length}`);
  peer.times[index]?.push(answer.seconds);
  peer.processor.push((peer.processor.pop() ?? 0) + answer.processor);
  peer.peakBytes = answer.peak_bytes;
}

async function ourSeconds(service: Service, sql: string): Promise<number> {
  return (await exportBytes(service.url, sql, "application/vnd.apache.arrow.stream")).seconds;
}

function compared(queries: readonly TpchQuery[], ours: Side, theirs: readonly Side[]): Row[] {
  const row = (figure: string, mine: number[], peer: number[], goal = "") =>
    ratioRow(figure, seconds(mine), seconds(peer), ratios(mine, peer), goal);
  const totals = peers.flatMap(({ name, goal }, at) => {
    const peer = theirs[at];
    if (peer === undefined) return [];
    return [
      row(`F1 all 22, seconds a round / ${name}`, perRound(ours), perRound(peer), goal),
      row(`F1 CPU-seconds a round / ${name}`, ours.processor, peer.processor),
    ];
  });
  const first = theirs[0] ?? ours;
  const single = queries.map(({ number }, index) =>
    row(`F1 q${number}`, ours.times[index] ?? [], first.times[index] ?? []),
  );
  return [...totals, ...single];
}

function perRound({ times }: Side): number[] {
  return (times[0] ?? []).map((_, round) => sum(times.map((one) => one[round] ?? Number.NaN)));
}

/** The figure of ours, then that of each peer. */
function listed(sides: readonly Side[], figure: (side: Side) => string): string {
  const names = ["ours", ...peers.map(({ name }) => name)];
  return sides.map((one, at) => `${names[at]} ${figure(one)}`).join(", ");
}

const seconds = (values: number[]) => `${spread(values).median.toFixed(3)} s`;
