/** F2: the 22 TPC-H queries over HTTP as Arrow, against another server of Delta tables. */
import { type Download, download, exportBytes } from "./export.js";
import { peakDuring } from "./process-facts.js";
import { type Report, ratioRow } from "./report.js";
import { type Roapi, startRoapi } from "./roapi.js";
import { startLakegate } from "./service.js";
import { ratios, spread, sum } from "./statistics.js";
import { makeTpch, tpchQueries } from "./tpch.js";

const rounds = 3;
const arrow = "application/vnd.apache.arrow.stream";

export async function f2(): Promise<Report> {
  const warehouse = await makeTpch();
  const statements = tpchQueries().map(({ sql }) => sql);
  const lakegate = await startLakegate(warehouse);
  const roapi = await startRoapi(warehouse);
  const ours: number[] = [];
  const theirs: number[] = [];
  try {
    const { peak } = await peakDuring(roapi.pid, async () => {
      for (let round = 0; round < rounds; round++) {
        ours.push(await total(statements, (sql) => exportBytes(lakegate.url, sql, arrow)));
        theirs.push(await total(statements, (sql) => asked(roapi, sql)));
        console.log(`  F2 round ${round + 1} of ${rounds}`);
      }
    });
    return report(ours, theirs, peak);
  } finally {
    await lakegate.stop();
    await roapi.stop();
  }
}

async function total(statements: readonly string[], ask: (sql: string) => Promise<Download>): Promise<number> {
  const times: number[] = [];
  for (const sql of statements) times.push((await ask(sql)).seconds);
  return sum(times);
}

const asked = ({ url }: Roapi, sql: string) => download(url, { method: "POST", headers: { accept: arrow } }, sql);

function report(ours: number[], theirs: number[], peak: number): Report {
  const figure = (values: number[]) => `${spread(values).median.toFixed(2)} s`;
  const row = ratioRow("F2 all 22: ROAPI / ours", figure(ours), figure(theirs), ratios(theirs, ours), "≥ 7");
  return {
    title: "F2: TPC-H SF1 over HTTP (Arrow): other servers / ours",
    rows: [row],
    notes: [
      `highest memory of ROAPI: ${(peak / 2 ** 20).toFixed(0)} MiB`,
      "duckdb-server needs Python 3.12; F1 has DuckDB without a server",
    ],
  };
}
