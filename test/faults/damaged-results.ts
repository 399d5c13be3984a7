/** A thousand kept files are damaged, while a server runs, while it sends them, and over restarts: no answer is wrong. */
import { rmSync, statSync } from "node:fs";
import type { ResultFormat } from "../../schemas/generated/index.js";
import { type Exchange, exchange, received, respond } from "../fixture/exchange.js";
import { formats, resultPath } from "../fixture/results.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { damages, flip, unnoticed } from "./file-damage.js";
import { ask, keptFiles, RightAnswers, statements } from "./kept-results.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";

const damageCount = 1000;
/** So many are damaged while no server runs. */
const stoppedShare = 0.2;
const perRestart = 20;
const sentCount = 30;
/** More than what waits in sockets. */
const long =
  "SELECT value AS n, value * 7 AS m, md5(CAST(value AS VARCHAR)) AS text FROM generate_series(1, 400000) ORDER BY n";

export const damagedResults: Suite = async (random, scale) => {
  const run = await DamagedResults.open(random);
  try {
    await run.damageRunning(Math.round(damageCount * (1 - stoppedShare) * scale));
    await run.damageSent(Math.max(2, Math.round(sentCount * scale)));
    await run.damageStopped(Math.max(1, Math.round((damageCount * stoppedShare * scale) / perRestart)));
    console.log(`  ${run.tally()}`);
    return run.faults;
  } finally {
    await run.close();
  }
};

/** Nothing is held in memory, so that every answer comes from a file or is computed. */
function start(state: string): Promise<TestServer> {
  return startServer({ state, environment: { LAKEGATE_RESULT_MEMORY: "0" } });
}

class DamagedResults {
  readonly faults: string[] = [];
  readonly #counts = { damaged: 0, kept: 0, computed: 0, broken: 0 };
  readonly #random: SeededRandom;
  readonly #state: string;
  readonly #answers: RightAnswers;
  #server: TestServer;
  /** Files that have changed without a sign of it: each may break one transfer that has begun. */
  #unnoticed = 0;

  private constructor(random: SeededRandom, state: string, server: TestServer, answers: RightAnswers) {
    this.#random = random;
    this.#state = state;
    this.#server = server;
    this.#answers = answers;
  }

  static async open(random: SeededRandom): Promise<DamagedResults> {
    const state = temporaryFolder();
    const server = await start(state);
    return new DamagedResults(random, state, server, await RightAnswers.from(server));
  }

  async close(): Promise<void> {
    await this.#server.stop();
    rmSync(this.#state, { recursive: true, force: true });
  }

  async damageRunning(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn++) {
      if (turn % 5 === 0) await this.#fill();
      await this.#look(this.#damage());
    }
  }

  async damageStopped(restarts: number): Promise<void> {
    for (let restart = 0; restart < restarts; restart++) {
      await this.#fill();
      await this.#server.stop();
      const done = Array.from({ length: perRestart }, () => this.#damage());
      this.#server = await start(this.#state);
      await this.#look(`${done.join(", ")} over a restart`);
    }
  }

  /** Its reader stands still while a file is damaged. */
  async damageSent(count: number): Promise<void> {
    const right = (await ask(this.#server, long, "arrow", { "cache-control": "no-store" })).bytes;
    for (let turn = 0; turn < count; turn++) {
      await ask(this.#server, long, "arrow");
      const response = await respond(this.#server.url + resultPath({ sql: long, format: "arrow" }));
      const file = keptFiles(this.#state).find((path) => statSync(path).size > right.length);
      if (file === undefined) throw new Error("the long result isn't kept");
      flip(file, this.#random, 50);
      this.#counts.damaged += 1;
      this.#unnoticed += 1;
      this.#judge(await received(response), right, "damaged while it is sent");
      this.#judge(await ask(this.#server, long, "arrow"), right, "asked again after that");
    }
  }

  tally(): string {
    const { damaged, kept, computed, broken } = this.#counts;
    return `${damaged} files damaged: ${kept} right answers from files, ${computed} computed anew, ${broken} broken transfers`;
  }

  /** Has every result kept, as Arrow and as Parquet. */
  async #fill(): Promise<void> {
    for (const sql of statements) {
      await ask(this.#server, sql, "arrow");
      await ask(this.#server, sql, "parquet", { range: "bytes=0-3" });
    }
  }

  /** Does one thing to one file. */
  #damage(): string {
    const files = keptFiles(this.#state);
    const name = this.#random.pick(Object.keys(damages));
    const path = this.#random.pick(files);
    damages[name]?.(
      path,
      files.filter((other) => other !== path),
      this.#random,
    );
    this.#counts.damaged += 1;
    this.#unnoticed += Number(name.includes(unnoticed));
    return name;
  }

  /** Asks for every result in some format, and for a part of one. */
  async #look(damage: string): Promise<void> {
    for (const sql of statements) {
      const format = this.#random.pick(formats);
      const right = this.#answers.bytes(sql, format);
      this.#judge(await ask(this.#server, sql, format), right, `${format} after ${damage}`);
    }
    await this.#lookAtPart(damage);
  }

  async #lookAtPart(damage: string): Promise<void> {
    const [sql, format] = [this.#random.pick(statements), this.#random.pick<ResultFormat>(["arrow", "parquet"])];
    const right = this.#answers.bytes(sql, format);
    const start = this.#random.below(right.length);
    const end = this.#random.between(start, right.length - 1);
    const headers = { range: `bytes=${start}-${end}` };
    const part = await exchange(this.#server.url + resultPath({ sql, format }), { headers });
    const expected = part.status === 206 ? right.subarray(start, end + 1) : right;
    this.#judge(part, expected, `a part of ${format} after ${damage}`);
  }

  /** An answer that comes to its end is right; only where a file has changed unseen may one break. */
  #judge({ status, complete, bytes, headers }: Exchange, right: Buffer, what: string): void {
    if (complete && bytes.equals(right)) {
      this.#counts[headers["cache-status"] === "lakegate; hit" ? "kept" : "computed"] += 1;
    } else if (!complete && this.#unnoticed > 0) {
      this.#unnoticed -= 1;
      this.#counts.broken += 1;
    } else {
      this.faults.push(`${what}: ${complete ? `wrong bytes with ${status}` : "a broken transfer"}`);
    }
  }
}
