/** F1: the 22 TPC-H queries over HTTP as Arrow, against deltalake's QueryBuilder in its own process. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environments, interpreter } from "../setup/python.mjs";
import { exportBytes, exportWhole } from "./export.js";
import { LinePeer } from "./line-peer.js";
import { peakDuring, processorSeconds } from "./process-facts.js";
import { type Report, ratioRow } from "./report.js";
import { type Service, startLakegate } from "./service.js";
import { ratios, spread, sum } from "./statistics.js";
import { makeTpch, type TpchQuery, tpchQueries, tpchWarehouse } from "./tpch.js";

const rounds = 5;
const goal = "≤ 1.05";

interface PeerAnswer {
  seconds: number;
  processor: number;
  rows: number;
  peak_bytes: number;
}

interface Times {
  ours: number[];
  peer: number[];
}

export async function f1(): Promise<Report> {
  await makeTpch();
  const queries = tpchQueries();
  const service = await startLakegate(tpchWarehouse);
  const peer = new LinePeer(interpreter(environments.bench), ["bench/python/query_builder.py", tpchWarehouse]);
  try {
    const wrong = await wrongAnswers(service, queries);
    const { result, peak } = await peakDuring(service.pid, () => measure(service, peer, queries));
    return {
      ...result,
      notes: [
        `answers equal to DuckDB's: ${22 - wrong.length} of 22`,
        ...wrong,
        ...result.notes,
        `highest memory of the service: ${mebibytes(peak)}`,
      ],
    };
  } finally {
    await service.stop();
    await peer.stop();
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

async function measure(service: Service, peer: LinePeer, queries: TpchQuery[]): Promise<Report> {
  const times = queries.map((): Times => ({ ours: [], peer: [] }));
  const processor: Times = { ours: [], peer: [] };
  let peerPeak = 0;
  for (let round = 0; round < rounds; round++) {
    const before = processorSeconds(service.pid);
    let peerProcessor = 0;
    for (const [index, { sql }] of queries.entries()) {
      const ours = async () => times[index]?.ours.push(await ourSeconds(service, sql));
      const theirs = async () => {
        const answer = await peer.ask<PeerAnswer>(sql);
        peerProcessor += answer.processor;
        peerPeak = answer.peak_bytes;
        times[index]?.peer.push(answer.seconds);
      };
      for (const turn of (round + index) % 2 === 0 ? [ours, theirs] : [theirs, ours]) await turn();
    }
    processor.ours.push(processorSeconds(service.pid) - before);
    processor.peer.push(peerProcessor);
    console.log(`  F1 round ${round + 1} of ${rounds}`);
  }
  const report = summarise(queries, times, processor);
  return { ...report, notes: [...report.notes, `highest memory of QueryBuilder: ${mebibytes(peerPeak)}`] };
}

async function ourSeconds(service: Service, sql: string): Promise<number> {
  return (await exportBytes(service.url, sql, "application/vnd.apache.arrow.stream")).seconds;
}

function summarise(queries: TpchQuery[], times: Times[], processor: Times): Report {
  const total = (side: keyof Times) =>
    Array.from({ length: rounds }, (_, round) => sum(times.map((time) => time[side][round] ?? 0)));
  const best = (side: keyof Times) => sum(times.map((time) => Math.min(...time[side])));
  const rows = [
    ratioRow(
      "F1 all 22, seconds a round",
      seconds(total("ours")),
      seconds(total("peer")),
      ratios(total("ours"), total("peer")),
      goal,
    ),
    ratioRow(
      "F1 CPU-seconds a round",
      seconds(processor.ours),
      seconds(processor.peer),
      ratios(processor.ours, processor.peer),
      "",
    ),
    ...queries.map(({ number }, index) => {
      const { ours, peer } = times[index] ?? { ours: [], peer: [] };
      return ratioRow(`F1 q${number}`, seconds(ours), seconds(peer), ratios(ours, peer), "");
    }),
  ];
  const notes = [
    `best of ${rounds} for each query: ours ${best("ours").toFixed(2)} s, QueryBuilder ${best("peer").toFixed(2)} s`,
  ];
  return { title: "F1: TPC-H SF1 over HTTP (Arrow) / deltalake QueryBuilder in process", rows, notes };
}

const seconds = (values: number[]) => `${spread(values).median.toFixed(3)} s`;
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
