/** kill -9 at random moments of runs, also while they go on after one: each output is written exactly once, of one version of its source. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { PipelineRun, RunAcceptance, TableHistory } from "../../schemas/generated/index.js";
import type { Client } from "../fixture/client.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { killServer } from "./killed.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";
import { inWarehouse } from "./warehouse.js";

const killCount = 50;
const pipeline = "exact";
/** Fewer than the server takes for a run that ends it. */
const mostKillsOfRun = 3;

/** Long enough to be hit in the middle. */
const work = "(SELECT count(*) AS work FROM generate_series(1, 4000) a, generate_series(1, 10000) b)";

const nodes = [
  { name: "tag", parameter: { type: "Int64" } },
  { name: "base", sql: "SELECT id, amount, id % 7 AS bucket FROM events" },
  { name: "slow", sql: `SELECT bucket, count(*) AS n, sum(amount) AS amount FROM base, ${work} GROUP BY bucket` },
  { name: "is_whole", check: { of: "slow", not_null: ["bucket"], unique: ["bucket"] } },
  {
    name: "counted",
    sql: "SELECT $tag AS tag, sum(n) AS n, sum(amount) AS amount FROM slow",
    materialize: { table: "counted", mode: "append" },
  },
  {
    name: "copied",
    sql: "SELECT $tag AS tag, id, amount FROM base",
    materialize: { table: "copied", mode: "append" },
  },
  { name: "merged", sql: "SELECT * FROM slow", materialize: { table: "merged", mode: "merge", keys: ["bucket"] } },
  { name: "latest", sql: "SELECT $tag AS tag, * FROM slow", materialize: { table: "latest" } },
  {
    name: "listed",
    sql: "SELECT $tag AS tag, count(*) AS n FROM base",
    materialize: { file: "listed", format: "csv" },
  },
];

/** A scale below 1 makes only that share of the kills. */
export const pipelines: Suite = (random, scale) =>
  inWarehouse(async (warehouse) => {
    const state = temporaryFolder();
    try {
      return await new KilledRuns(warehouse, state, random).all(Math.max(1, Math.round(killCount * scale)));
    } finally {
      rmSync(state, { recursive: true, force: true });
    }
  });

class KilledRuns {
  readonly #warehouse: string;
  readonly #state: string;
  readonly #random: SeededRandom;
  readonly #faults: string[] = [];
  #server: TestServer | undefined;
  #rows = 0;
  #kills = 0;

  constructor(warehouse: string, state: string, random: SeededRandom) {
    this.#warehouse = warehouse;
    this.#state = state;
    this.#random = random;
  }

  async all(kills: number): Promise<string[]> {
    await this.#start();
    await this.#addRows("create");
    await done(
      this.#client.sendJson(`/v1/pipelines/${pipeline}`, { modules: [{ name: "core", nodes }] }, { method: "PUT" }),
    );
    let [tag, attempts] = [0, 0];
    while (this.#kills < kills) {
      tag += 1;
      await this.#addRows("append");
      const run = await this.#killedRun(tag, kills);
      attempts += run.attempts;
      await this.#look(run, tag);
    }
    console.log(`  ${this.#kills} kills in ${tag} runs, which took ${attempts} attempts`);
    await this.#server?.stop();
    return this.#faults;
  }

  /** A run that is killed once or more often, asked for again by its key, and then left to end. */
  async #killedRun(tag: number, kills: number): Promise<PipelineRun> {
    const ofRun = Math.min(this.#random.between(1, mostKillsOfRun), kills - this.#kills);
    for (let kill = 0; kill < ofRun; kill++) {
      // The answer may be lost with the server.
      const asked = this.#ask(tag).catch(() => undefined);
      const events = this.#random.below(2 * nodes.length);
      await Promise.race([asked.then((run) => run && this.#follow(run, events)), pause(2000)]);
      await pause(this.#random.below(40));
      await killServer(this.#server as TestServer);
      await asked;
      this.#kills += 1;
      await this.#start();
    }
    const { status_url } = await this.#ask(tag);
    for (;;) {
      const run = (await this.#client.send(status_url)).as<PipelineRun>();
      if (["SUCCEEDED", "FAILED", "CANCELED"].includes(run.status)) return run;
      await pause(20);
    }
  }

  async #ask(tag: number): Promise<RunAcceptance> {
    const headers = { "idempotency-key": `run-${tag}` };
    const answer = await this.#client.sendJson(`/v1/pipelines/${pipeline}/runs`, { parameters: { tag } }, { headers });
    if (answer.status !== 202) throw new Error(`${answer.status}: ${answer.text}`);
    return answer.as<RunAcceptance>();
  }

  /** Waits for so many events of a run, or its end. */
  async #follow({ events_url }: RunAcceptance, events: number): Promise<void> {
    const { body } = await fetch(this.#client.url + events_url);
    let seen = 0;
    for await (const chunk of body ?? []) {
      seen += Buffer.from(chunk).toString().split("\n\n").length - 1;
      if (seen > nodes.length + events) return;
    }
  }

  async #look(run: PipelineRun, tag: number): Promise<void> {
    if (run.status !== "SUCCEEDED") {
      this.#faults.push(`run ${tag} is ${run.status}: ${run.error?.message}`);
      return;
    }
    const version = run.sources.find(({ name }) => name === "events")?.version;
    const source = (sql: string) => this.#client.rows({ sql, tables: { events: { version } } });
    const [totals] = await source(`SELECT ${tag} AS tag, count(*) AS n, sum(amount) AS amount FROM events`);
    const buckets = "SELECT id % 7 AS bucket, count(*) AS n, sum(amount) AS amount FROM events GROUP BY 1 ORDER BY 1";
    const expected = await source(buckets);
    const tagged = expected.map((row) => ({ tag, ...row }));
    const { n } = totals as { n: number };
    const read = (sql: string) => this.#client.rows(sql);
    this.#expect(tag, "counted", await read(`SELECT * FROM counted WHERE tag = ${tag}`), [totals]);
    this.#expect(
      tag,
      "copied",
      await read(`SELECT count(*) AS n, count(DISTINCT id) AS ids FROM copied WHERE tag = ${tag}`),
      [{ n, ids: n }],
    );
    this.#expect(tag, "merged", await read("SELECT * FROM merged ORDER BY bucket"), expected);
    this.#expect(tag, "latest", await read("SELECT * FROM latest ORDER BY bucket"), tagged);
    const folder = join(this.#warehouse, "_exports", pipeline);
    this.#expect(tag, "listed", readFileSync(join(folder, "listed.csv"), "utf8"), `tag,n\r\n${tag},${n}\r\n`);
    this.#expect(tag, "files", readdirSync(folder), ["listed.csv"]);
    for (const table of ["counted", "copied", "merged", "latest"]) {
      const { items } = (await this.#client.send(`/v1/tables/${table}/history?limit=1000`)).as<TableHistory>();
      this.#expect(tag, `commits of ${table}`, items.length, tag);
    }
  }

  #expect(tag: number, what: string, found: unknown, expected: unknown): void {
    if (isDeepStrictEqual(found, expected)) return;
    this.#faults.push(`run ${tag}, ${what}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);
  }

  async #addRows(mode: "create" | "append"): Promise<void> {
    const rows = Array.from({ length: this.#random.between(1, 50) }, () => {
      this.#rows += 1;
      return { id: this.#rows, amount: this.#random.below(100) };
    });
    await done(this.#client.sendJson(`/v1/tables/events/rows?mode=${mode}`, rows));
  }

  async #start(): Promise<void> {
    this.#server = await startServer({ warehouse: this.#warehouse, state: this.#state });
  }

  get #client(): Client {
    if (this.#server === undefined) throw new Error("there is no server");
    return this.#server.client;
  }
}

async function done(answer: Promise<{ status: number; text: string }>): Promise<void> {
  const { status, text } = await answer;
  if (status >= 300) throw new Error(`${status}: ${text}`);
}
