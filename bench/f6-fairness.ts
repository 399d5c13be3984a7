/** F6: small queries from 1 to 256 connections, and a light query beside heavy ones. */
import autocannon from "autocannon";
import { plainRow, type Report, type Row, ratioRow } from "./report.js";
import { type Roapi, startRoapi } from "./roapi.js";
import { type Service, startLakegate } from "./service.js";
import { ratios, type Spread, spread } from "./statistics.js";
import { makeTpch, tpchQueries } from "./tpch.js";

const rounds = 3;
const seconds = 4;
const crowds = [1, 8, 32, 64, 128, 256];
const most = crowds.at(-1) ?? 1;
const small = "SELECT * FROM nation WHERE n_nationkey = 7";
const heavyConnections = 4;

interface Load {
  /** Answers a second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

type Request = { url: string; headers?: Record<string, string>; body: string };

export async function f6(): Promise<Report> {
  const warehouse = await makeTpch();
  // The one that joins and groups all of the largest table.
  const heavy = tpchQueries().find(({ number }) => number === 18)?.sql ?? "";
  const lakegate = await startLakegate(warehouse);
  const roapi = await startRoapi(warehouse);
  try {
    return {
      title: "F6: crowds, and light queries beside heavy ones",
      rows: [
        ...crowded("ours", await eachCrowd((sql) => toLakegate(lakegate, sql)), { rate: "≥ 0.9", wait: "≤ 3" }),
        ...crowded("ROAPI", await eachCrowd((sql) => toRoapi(roapi, sql)), { rate: "", wait: "" }),
        ...(await beside((sql) => toLakegate(lakegate, sql), heavy)),
      ],
      notes: [`${heavyConnections} connections ask q18 again and again beside one that asks for a row of nation`],
    };
  } finally {
    await lakegate.stop();
    await roapi.stop();
  }
}

function toLakegate({ url }: Service, sql: string): Request {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return { url: `${url}/v1/queries`, headers, body: JSON.stringify({ sql }) };
}

const toRoapi = ({ url }: Roapi, sql: string): Request => ({ url, body: sql });

/** The loads of each round, a list a crowd. */
async function eachCrowd(ask: (sql: string) => Request): Promise<Map<number, Load[]>> {
  const loads = new Map<number, Load[]>(crowds.map((connections) => [connections, []]));
  for (let round = 0; round < rounds; round++)
    for (const connections of crowds) loads.get(connections)?.push(await load(ask(small), connections));
  return loads;
}

async function load(request: Request, connections: number, duration = seconds): Promise<Load> {
  const { requests, latency, errors, non2xx } = await autocannon({ method: "POST", connections, duration, ...request });
  if (errors + non2xx > 0) throw new Error(`${errors} errors, ${non2xx} refusals at ${request.url}`);
  return { rate: requests.average, p50: latency.p50, p99: latency.p99 };
}

function crowded(name: string, loads: Map<number, Load[]>, goals: { rate: string; wait: string }): Row[] {
  const rates = (connections: number) => (loads.get(connections) ?? []).map(({ rate }) => rate);
  const median = (connections: number) => spread(rates(connections)).median;
  const best = crowds.toSorted((left, right) => median(right) - median(left))[0] ?? most;
  const shown = (values: number[]) => `${spread(values).median.toFixed(0)} /s`;
  const waits = (loads.get(most) ?? []).map(({ p50, p99 }) => p99 / p50);
  const share = ratios(rates(most), rates(best));
  return [
    ratioRow(`F6 ${name}: ${most} connections / ${best}`, shown(rates(most)), shown(rates(best)), share, goals.rate),
    ratio(`F6 ${name}: p99 / p50 at ${most} connections`, spread(waits), goals.wait),
  ];
}

/** How long one connection waits for a light query, alone and while others ask a heavy one. */
async function beside(ask: (sql: string) => Request, heavy: string): Promise<Row[]> {
  const [alone, accompanied]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    alone.push((await load(ask(small), 1)).p99);
    const others = load(ask(heavy), heavyConnections, seconds + 4);
    accompanied.push((await load(ask(small), 1)).p99);
    await others;
  }
  const shown = (values: number[]) => `${spread(values).median.toFixed(1)} ms`;
  return [
    ratioRow(
      "F6 p99 of a light query beside heavy ones / alone",
      shown(accompanied),
      shown(alone),
      ratios(accompanied, alone),
      "≤ 5",
    ),
  ];
}

function ratio(figure: string, measured: Spread, goal: string): Row {
  const digits = (value: number) => value.toFixed(2);
  return {
    ...plainRow(figure, "", measured, goal),
    ratio: digits(measured.median),
    spread: `${digits(measured.lowest)}–${digits(measured.highest)}`,
  };
}
