/** The demo pipeline in both modes and with nothing changed, and how long a graph of 1,000 nodes takes to be checked. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cache, inRoot, testWarehouse } from "../setup/places.mjs";
import { plainRow, type Report, ratioRow } from "./report.js";
import { type Service, startLakegate } from "./service.js";
import { quantile, ratios, spread } from "./statistics.js";

const rounds = 5;
/** The first of a process take longer: what they run isn't compiled yet. */
const graphs = 15;
const nodeCount = 1000;
const path = "/v1/pipelines/flight_facts";

export async function pipelines(): Promise<Report> {
  const folder = mkdtempSync(join(cache, "bench-pipelines-"));
  const warehouse = join(folder, "warehouse");
  cpSync(testWarehouse, warehouse, { recursive: true });
  const service = await startLakegate(warehouse, join(folder, "state"));
  try {
    const demo = JSON.parse(readFileSync(inRoot("setup/demo/pipeline.json"), "utf8"));
    await send(service, "PUT", path, demo);
    const first = await timed(() => run(service, {}));
    const times = { serial: [] as number[], parallel: [] as number[], unchanged: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      times.serial.push(await timed(() => run(service, { mode: "deterministic_serial", cache: "recompute" })));
      times.parallel.push(await timed(() => run(service, { mode: "plan_parallel", cache: "recompute" })));
      times.unchanged.push(await timed(() => run(service, {})));
    }
    const whole = times.unchanged.map(() => first);
    const checked: number[] = [];
    for (let round = 0; round < graphs; round++) {
      checked.push(await timed(() => send(service, "PUT", "/v1/pipelines/large", largeGraph(round))));
    }
    return {
      title: "Pipelines",
      rows: [
        compared("the demo pipeline, plan_parallel / serial", times.parallel, times.serial, "≤ 1"),
        compared("a run with nothing changed / the first", times.unchanged, whole, "≤ 0.05"),
        plainRow(`PUT of ${nodeCount} nodes, p50`, `${median(checked).toFixed(0)} ms`, spread(checked), "≤ 200 ms"),
      ],
      notes: [`the first PUT in the process took ${checked[0]?.toFixed(0)} ms`],
    };
  } finally {
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function compared(figure: string, ours: number[], theirs: number[], goal: string) {
  const shown = (values: number[]) => `${median(values).toFixed(0)} ms`;
  return ratioRow(figure, shown(ours), shown(theirs), ratios(ours, theirs), goal);
}

/** Ten lanes of nodes that read the one before and the one beside it; other names in each round, so that nothing is known. */
function largeGraph(round: number): object {
  const nodes = Array.from({ length: nodeCount }, (_, index) => {
    const name = `node_${round}_${index}`;
    if (index < 10) return { name, sql: `SELECT symbol, price FROM stocks WHERE price > ${round * 10 + index}` };
    const [above, beside] = [`node_${round}_${index - 10}`, `node_${round}_${index - 9 - (index % 10 === 9 ? 10 : 0)}`];
    return { name, sql: `SELECT a.symbol, a.price + b.price AS price FROM ${above} a JOIN ${beside} b USING (symbol)` };
  });
  return { modules: [{ name: "large", nodes }] };
}

async function run(service: Service, request: object): Promise<void> {
  const { status } = await send(service, "POST", `${path}/runs`, request, { prefer: "wait=600" });
  if (status !== "SUCCEEDED") throw new Error(`a run is ${status}`);
}

async function send(service: Service, method: string, path: string, body: object, headers = {}) {
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function median(values: number[]): number {
  return quantile(
    values.toSorted((left, right) => left - right),
    0.5,
  );
}
