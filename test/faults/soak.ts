/** Minutes of mixed load: memory and descriptors stay as they are, and answers take no longer at the end than at the beginning. */
import { readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { formats } from "../fixture/results.js";
import { startServer, type TestServer } from "../fixture/server.js";
import { createNumbered, perform } from "./numbered-table.js";
import { OperationSource } from "./operation-source.js";
import { percentile } from "./percentile.js";
import type { Suite } from "./run.js";
import { accepted } from "./running.js";
import type { SeededRandom } from "./seeded-random.js";
import { residentMebibytes, unwell } from "./vitals.js";
import { inWarehouse } from "./warehouse.js";

const minutes = 8;
const clients = 6;
const flatMebibytes = 100;
const flatDescriptors = 30;
/** The last quarter's p99 as a multiple of the second's: the machine has other things to do, too. */
const steady = 2;
const table = "soaked";

export const soak: Suite = (random, scale) =>
  inWarehouse((warehouse) => soaked(warehouse, random, minutes * 60_000 * scale));

async function soaked(warehouse: string, random: SeededRandom, milliseconds: number): Promise<string[]> {
  const server = await startServer({ warehouse, environment: { LAKEGATE_LOG_LEVEL: "fatal" } });
  try {
    await createNumbered(server.client, table);
    const source = new OperationSource(random);
    const observed = new Observations(server, milliseconds);
    const client = async () => {
      while (!observed.isOver()) await observed.time(() => random.pick(requests)(server, random, source));
    };
    await Promise.all([observed.watch(), ...Array.from({ length: clients }, client)]);
    return [...observed.faults(), ...(await unwell(server, "at the end"))];
  } finally {
    await server.stop();
  }
}

/** The status that it was answered. */
type Request = (server: TestServer, random: SeededRandom, source: OperationSource) => Promise<number>;

const accepts: Readonly<Record<string, string>> = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  csv: "text/csv",
  arrow: "application/vnd.apache.arrow.stream",
  parquet: "application/vnd.apache.parquet",
  msgpack: "application/vnd.msgpack",
};

const requests: readonly Request[] = [
  async ({ client }, random) => (await client.query(`SELECT ${random.below(20)} AS n`)).status,
  async ({ client }, random) =>
    (await client.query(`SELECT count(*) + ${random.below(1e6)} AS n FROM ${table}`)).status,
  async ({ client }, random) => {
    const accept = accepts[random.pick(formats)] ?? "application/json";
    const sql = `SELECT value + ${random.below(1e6)} AS n, repeat('x', 50) AS t FROM generate_series(1, ${random.between(10, 50_000)})`;
    return (await client.query({ sql }, { accept })).status;
  },
  async ({ client }, random) =>
    (
      await client.query(
        `SELECT sum(value) + ${random.below(1e6)} AS n FROM generate_series(1, 500000) GROUP BY value % 100`,
      )
    ).status,
  async ({ client }, _, source) => {
    const operation = source.next("append");
    const outcome = await perform(client, table, operation);
    source.settle(operation);
    return outcome.ended === "done" ? 200 : 500;
  },
  async ({ client }, random) => {
    const id = await accepted(
      client,
      `SELECT count(*) + ${random.below(1e6)} FROM generate_series(1, 100000) a JOIN generate_series(1, 10000) b ON a.value <> b.value`,
    );
    await pause(random.below(50));
    return (await client.send(`/v1/queries/${id}`, { method: "DELETE" })).status;
  },
  async ({ client }) => (await client.query("SELEC 1")).status,
  async ({ client }) => (await client.query("SELECT * FROM nowhere")).status,
  async ({ client }, random) => {
    const view = `/v1/views/view_${random.below(5)}`;
    const put = await client.sendJson(view, { sql: `SELECT ${random.below(1e6)} AS n` }, { method: "PUT" });
    return random.next() < 0.3 ? (await client.send(view, { method: "DELETE" })).status : put.status;
  },
  async ({ client }) => (await client.send("/v1/tables")).status,
  async ({ client }) => (await client.send("/v1/queries?limit=50")).status,
];
const expected = [200, 201, 204, 404, 422];

interface Sample {
  readonly mebibytes: number;
  readonly descriptors: number;
}

class Observations {
  readonly #server: TestServer;
  readonly #started = performance.now();
  readonly #milliseconds: number;
  readonly #samples: Sample[] = [];
  readonly #times: { at: number; took: number }[] = [];
  readonly #wrong: Record<string, number> = {};

  constructor(server: TestServer, milliseconds: number) {
    this.#server = server;
    this.#milliseconds = milliseconds;
  }

  isOver(): boolean {
    return this.#elapsed() >= this.#milliseconds;
  }

  async watch(): Promise<void> {
    while (!this.isOver()) {
      await pause(Math.min(2_000, this.#milliseconds / 50));
      const descriptors = readdirSync(`/proc/${this.#server.pid}/fd`).length;
      this.#samples.push({ mebibytes: residentMebibytes(this.#server), descriptors });
    }
  }

  async time(request: () => Promise<number>): Promise<void> {
    const at = this.#elapsed();
    const status = await request().catch((error: Error) => error.message);
    this.#times.push({ at, took: this.#elapsed() - at });
    if (typeof status !== "number" || !expected.includes(status)) this.#wrong[status] = (this.#wrong[status] ?? 0) + 1;
  }

  faults(): string[] {
    const [second, last] = [this.#quarter(1), this.#quarter(3)];
    console.log(`  ${this.#times.length} requests; from the second quarter to the last:`);
    console.log(
      `  ${second.mebibytes} to ${last.mebibytes} MiB, ${second.descriptors} to ${last.descriptors} descriptors, p99 ${second.p99.toFixed(0)} to ${last.p99.toFixed(0)} ms`,
    );
    const faults = Object.entries(this.#wrong).map(([status, count]) => `${count} requests ended with ${status}`);
    if (last.mebibytes > second.mebibytes + flatMebibytes) faults.push("memory grew");
    if (last.descriptors > second.descriptors + flatDescriptors) faults.push("descriptors grew");
    if (last.p99 > second.p99 * steady) faults.push("answers took longer");
    return faults;
  }

  #quarter(index: number): Sample & { p99: number } {
    const [from, to] = [index / 4, (index + 1) / 4];
    const samples = this.#samples.slice(this.#samples.length * from, this.#samples.length * to);
    const within = this.#times.filter(({ at }) => at >= this.#milliseconds * from && at < this.#milliseconds * to);
    return {
      mebibytes: percentile(
        samples.map(({ mebibytes }) => mebibytes),
        50,
      ),
      descriptors: percentile(
        samples.map(({ descriptors }) => descriptors),
        50,
      ),
      p99: percentile(
        within.map(({ took }) => took),
        99,
      ),
    };
  }

  #elapsed(): number {
    return performance.now() - this.#started;
  }
}
