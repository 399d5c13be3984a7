/** Registries of 10,000 entries, sessions, deep views, and what a kept view costs. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cache, testWarehouse } from "../setup/places.mjs";
import { load } from "./load.js";
import { plainRow, type Report, ratioRow } from "./report.js";
import { type Service, startLakegate } from "./service.js";
import { quantile, ratios, spread } from "./statistics.js";

const entries = 10_000;
const measured = 200;
const levels = 20;
const rounds = 5;
const seconds = 3;

export async function registries(): Promise<Report> {
  const state = mkdtempSync(join(cache, "bench-registries-"));
  try {
    const filling = await startLakegate(testWarehouse, state);
    const durations = await fill(filling);
    await filling.stop();
    const full = await startLakegate(testWarehouse, state);
    const list = await timed(measured, () => get(full, "/v1/views?limit=100"));
    const sessions = await timed(measured, () => send(full, "POST", "/v1/sessions", {}));
    const deep = await deepView(full);
    const kept = await keptView(full);
    await full.stop();
    return {
      title: `Registries of ${entries} entries, sessions and views`,
      rows: [
        milliseconds("PUT of a view, durable, p50", durations, "≤ 5 ms"),
        milliseconds("start", [full.startMilliseconds], "≤ 2000 ms"),
        milliseconds("a page of the list, p50", list, "≤ 10 ms"),
        milliseconds("a new session, durable, p50", sessions, "≤ 5 ms"),
        milliseconds(`explaining a view over ${levels} levels, p50`, deep, "≤ 50 ms"),
        kept,
      ],
      notes: [`in an empty registry the service starts in ${filling.startMilliseconds.toFixed(0)} ms`],
    };
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}

function milliseconds(figure: string, values: number[], goal: string) {
  const median = quantile(
    values.toSorted((left, right) => left - right),
    0.5,
  );
  return plainRow(figure, `${median.toFixed(2)} ms`, spread(values), goal);
}

/** Registers most views at once and times the others one by one. */
async function fill(service: Service): Promise<number[]> {
  const view = (index: number) => ({ sql: `SELECT symbol, price FROM stocks WHERE price > ${index}` });
  for (let next = measured; next < entries; next += 980) {
    const many = Array.from({ length: Math.min(980, entries - next) }, (_, at) => next + at);
    const views = Object.fromEntries(many.map((index) => [`view_${index}`, view(index)]));
    await send(service, "PUT", "/v1/registries/snapshot", { views });
  }
  let index = 0;
  return timed(measured, () => send(service, "PUT", `/v1/views/view_${index}`, view(index++)));
}

/** A statement that is new each time, so that no plan is used again. */
async function deepView(service: Service): Promise<number[]> {
  for (let level = 0; level < levels; level++) {
    const below = level === 0 ? "stocks" : `level_${level - 1}`;
    await send(service, "PUT", `/v1/views/level_${level}`, { sql: `SELECT * FROM ${below} WHERE price > ${level}` });
  }
  let asked = 0;
  return timed(50, () =>
    send(service, "POST", "/v1/queries/explain", { sql: `SELECT count(*) AS n_${asked++} FROM level_${levels - 1}` }),
  );
}

/** The rows of a kept view at its URL, against a kept result at its own. */
async function keptView(service: Service) {
  const sql = "SELECT origin, count(*) AS flights FROM flights GROUP BY origin";
  await send(service, "PUT", "/v1/views/by_origin", { sql, cache_policy: "disk" });
  const view = `${service.url}/v1/views/by_origin/rows?format=arrow`;
  const result = `${service.url}/v1/query?${new URLSearchParams({ sql, format: "arrow" })}`;
  for (const url of [view, result]) await (await fetch(url)).arrayBuffer();
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push((await load(view, seconds)).rate);
    theirs.push((await load(result, seconds)).rate);
  }
  const rate = (values: number[]) => `${spread(values).median.toFixed(0)} /s`;
  return ratioRow("rows of a kept view / a kept result", rate(ours), rate(theirs), ratios(ours, theirs), "≥ 0.9");
}

async function timed(count: number, step: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const started = performance.now();
    await step();
    times.push(performance.now() - started);
  }
  return times;
}

async function get({ url }: Service, path: string): Promise<void> {
  await (await fetch(url + path)).arrayBuffer();
}

async function send({ url }: Service, method: string, path: string, body: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
}
