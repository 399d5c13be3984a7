/** F3: small queries at 32 connections, against a bare Fastify that echoes the same request, and against ROAPI. */
import autocannon from "autocannon";
import { type Report, type Row, ratioRow } from "./report.js";
import { type Roapi, startRoapi } from "./roapi.js";
import { startEcho, startLakegate } from "./service.js";
import { quantile, ratios, spread } from "./statistics.js";
import { makeTpch } from "./tpch.js";

const rounds = 5;
const seconds = 4;
const connections = 32;

const statements = {
  "select 1": "SELECT 1 AS one",
  "point query on nation": "SELECT * FROM nation WHERE n_nationkey = 7",
  "point query on orders": "SELECT * FROM orders WHERE o_orderkey = 7",
};

export async function f3(): Promise<Report> {
  const warehouse = await makeTpch();
  const lakegate = await startLakegate(warehouse);
  const echo = await startEcho();
  const roapi = await startRoapi(warehouse);
  try {
    const rows: Row[] = [];
    for (const [name, sql] of Object.entries(statements))
      rows.push(...(await compare(name, sql, { lakegate: lakegate.url, echo: echo.url, roapi })));
    return {
      title: `F3: requests per second at ${connections} connections / a bare Fastify POST echo, and / ROAPI`,
      rows,
      notes: [await overhead(lakegate.url, echo.url)],
    };
  } finally {
    await lakegate.stop();
    await echo.stop();
    await roapi.stop();
  }
}

interface Sides {
  readonly lakegate: string;
  readonly echo: string;
  readonly roapi: Roapi;
}

async function compare(name: string, sql: string, { lakegate, echo, roapi }: Sides): Promise<Row[]> {
  const [ours, echoed, theirs]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(await rate(`${lakegate}/v1/queries`, jsonBody(sql)));
    echoed.push(await rate(echo, jsonBody(sql)));
    theirs.push(await rate(roapi.url, { body: sql }));
    console.log(`  F3 ${name}, round ${round + 1} of ${rounds}`);
  }
  const figure = (values: number[]) => `${spread(values).median.toFixed(0)} /s`;
  return [
    ratioRow(`F3 ${name} / echo`, figure(ours), figure(echoed), ratios(ours, echoed), "≥ 0.25"),
    ratioRow(`F3 ${name} / ROAPI`, figure(ours), figure(theirs), ratios(ours, theirs), "≥ 5"),
  ];
}

async function rate(url: string, request: { body: string; headers?: Record<string, string> }): Promise<number> {
  const result = await autocannon({ url, method: "POST", connections, duration: seconds, ...request });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} refusals, ${result.errors} errors at ${url}`);
  return result.requests.average;
}

/** What HTTP and the TypeScript around the engine add, on one connection: the whole time less the engine's own. */
async function overhead(lakegate: string, echo: string): Promise<string> {
  const total: number[] = [];
  const added: number[] = [];
  const echoed: number[] = [];
  for (let turn = 0; turn < 500; turn++) {
    const { milliseconds, answer } = await timed(`${lakegate}/v1/queries`, statements["select 1"]);
    total.push(milliseconds);
    added.push(milliseconds - answer.stats.total_ms);
    echoed.push((await timed(echo, statements["select 1"])).milliseconds);
  }
  const p50 = (values: number[]) =>
    `${quantile(
      values.toSorted((a, b) => a - b),
      0.5,
    ).toFixed(2)} ms`;
  return `one connection, p50: select 1 ${p50(total)}, of it HTTP ${p50(added)} (goal ≤ 2 ms); the echo ${p50(echoed)}`;
}

async function timed(url: string, sql: string) {
  const started = performance.now();
  const response = await fetch(url, { method: "POST", ...jsonBody(sql) });
  const answer = (await response.json()) as { stats: { total_ms: number } };
  return { milliseconds: performance.now() - started, answer };
}

function jsonBody(sql: string) {
  return {
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: JSON.stringify({ sql }),
  };
}
