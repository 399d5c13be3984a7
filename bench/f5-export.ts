/** F5: the whole lineitem table in each format, against what the loopback carries and what the engine makes without HTTP. */

import type { ResultFormat } from "../schemas/generated/index.js";
import { inRoot } from "../setup/places.mjs";
import { download, exportBytes, type Reading } from "./export.js";
import { LinePeer } from "./line-peer.js";
import { peakDuring, residentBytes } from "./process-facts.js";
import { type Report, type Row, ratioRow } from "./report.js";
import { type Service, startLakegate, startLoopback } from "./service.js";
import { ratios, spread } from "./statistics.js";
import { makeTpch } from "./tpch.js";

const rounds = 3;
const sql = "SELECT * FROM lineitem";

interface ExportFormat {
  name: string;
  format: ResultFormat;
  accept: string;
  goal: string;
}

const arrow: ExportFormat = {
  name: "Arrow",
  format: "arrow",
  accept: "application/vnd.apache.arrow.stream",
  goal: "≥ 0.5",
};
const formats: ExportFormat[] = [
  arrow,
  { name: "Parquet", format: "parquet", accept: "application/vnd.apache.parquet", goal: "" },
  { name: "JSON", format: "json", accept: "application/json", goal: "" },
  { name: "NDJSON", format: "ndjson", accept: "application/x-ndjson", goal: "" },
  { name: "CSV", format: "csv", accept: "text/csv", goal: "" },
  { name: "MessagePack", format: "msgpack", accept: "application/vnd.msgpack", goal: "" },
];
const limits = "first byte ≤ 150 ms, growth ≤ 256 MB";

export async function f5(): Promise<Report> {
  const warehouse = await makeTpch();
  const loopback = await startLoopback();
  const rows: Row[] = [];
  try {
    for (const format of formats) {
      rows.push(await exported(format, warehouse, loopback));
      console.log(`  F5 ${format.name}`);
    }
    rows.push(await slowly(warehouse));
  } finally {
    await loopback.stop();
  }
  return {
    title: "F5: all of lineitem (6 million rows) / the lower of loopback and the engine without HTTP",
    rows,
    notes: [`goals: ${limits}, with a slow reader too`],
  };
}

/** A fresh server for each format: what it grows by is its own. */
async function exported(
  { name, format, accept, goal }: ExportFormat,
  warehouse: string,
  loopback: Service,
): Promise<Row> {
  const lakegate = await startLakegate(warehouse);
  const engine = new LinePeer(process.execPath, ["--import", "tsx", inRoot("bench/in-process.ts"), warehouse]);
  const ours: number[] = [];
  const carried: number[] = [];
  const encoded: number[] = [];
  const firstBytes: number[] = [];
  let size = 0;
  try {
    await exportBytes(lakegate.url, "SELECT * FROM lineitem LIMIT 10", accept);
    const idle = residentBytes(lakegate.pid);
    const { peak } = await peakDuring(lakegate.pid, async () => {
      for (let round = 0; round < rounds; round++) {
        const received = await exportBytes(lakegate.url, sql, accept);
        size = received.bytes;
        ours.push(speed(received));
        firstBytes.push(received.firstByteMilliseconds);
        carried.push(speed(await download(`${loopback.url}?bytes=${size}`, {}, "")));
        encoded.push(speed(await engine.ask({ sql, format })));
      }
    });
    const limit = carried.map((value, round) => Math.min(value, encoded[round] ?? value));
    const firstByte = spread(firstBytes).median.toFixed(0);
    const figure = `F5 ${name}, ${megabytes(size)} MB: first byte ${firstByte} ms, growth ${megabytes(peak - idle)} MB`;
    const peers = `loopback ${rate(carried)}, engine ${rate(encoded)}`;
    return ratioRow(figure, rate(ours), peers, ratios(ours, limit), goal);
  } finally {
    await lakegate.stop();
    await engine.stop();
  }
}

async function slowly(warehouse: string): Promise<Row> {
  const lakegate = await startLakegate(warehouse);
  const slow: Reading = { pauseAfterChunk: 2 };
  try {
    await exportBytes(lakegate.url, "SELECT * FROM lineitem LIMIT 10", arrow.accept);
    const idle = residentBytes(lakegate.pid);
    const { peak, result } = await peakDuring(lakegate.pid, () => exportBytes(lakegate.url, sql, arrow.accept, slow));
    const growth = megabytes(peak - idle);
    const ours = `${megabytes(result.bytes / result.seconds)} MB/s`;
    return {
      figure: "F5 Arrow to a slow reader: growth in MB",
      ours,
      peer: "",
      ratio: growth,
      spread: "",
      goal: "≤ 256",
    };
  } finally {
    await lakegate.stop();
  }
}

const speed = ({ bytes, seconds }: { bytes: number; seconds: number }) => bytes / seconds;
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
const rate = (values: number[]) => `${megabytes(spread(values).median)} MB/s`;
