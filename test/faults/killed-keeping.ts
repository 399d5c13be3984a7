/** kill -9 while results are being stored: the next server is clean, and whatever it finds kept is right. */
import { rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { cacheUse } from "../fixture/results.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { ask, keptFiles, unfinishedFiles } from "./kept-results.js";
import { killServer } from "./killed.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";

const killCount = 50;
const atOnce = 4;

export const killedKeeping: Suite = async (random, scale) => {
  const state = temporaryFolder();
  const faults: string[] = [];
  const counts = { unfinished: 0, kept: 0, computed: 0 };
  let server = await startServer({ state });
  try {
    for (let round = 0; round < Math.max(2, Math.round(killCount * scale)); round++) {
      const statements = await killWhileKeeping(server, state, random, round);
      counts.unfinished += unfinishedFiles(state).length;
      server = await startServer({ state });
      faults.push(...unfinishedFiles(state).map((name) => `round ${round}: ${name} is still there`));
      for (const statement of statements) {
        const answer = await ask(server, statement.sql, "csv");
        counts[cacheUse(answer) === "hit" ? "kept" : "computed"] += 1;
        if (answer.status !== 200 || !answer.complete || answer.bytes.toString() !== statement.csv())
          faults.push(`round ${round}: a wrong answer with ${answer.status}`);
      }
      await server.client.send("/v1/cache", { method: "DELETE" });
    }
    const { unfinished, kept, computed } = counts;
    console.log(`  kills left ${unfinished} unfinished files; ${kept} results were kept, ${computed} computed anew`);
    return faults;
  } finally {
    await server.stop();
    rmSync(state, { recursive: true, force: true });
  }
};

async function killWhileKeeping(
  server: TestServer,
  state: string,
  random: SeededRandom,
  round: number,
): Promise<Numbers[]> {
  const statements = Array.from({ length: atOnce }, (_, index) => new Numbers(round * atOnce + index, random));
  const answers = statements.map(({ sql }) => ask(server, sql, "csv").catch(() => undefined));
  const detached = server.client.query({ sql: `SELECT random(), ${round}`, wait_timeout_ms: 0 }).catch(() => undefined);
  while (keptFiles(state).length === 0) await pause(1);
  await pause(random.below(random.pick([1, 20, 300])));
  await killServer(server);
  await server.stop();
  await Promise.all([...answers, detached]);
  return statements;
}

/** A result whose rows are known. */
class Numbers {
  readonly #seed: number;
  readonly #rows: number;

  constructor(seed: number, random: SeededRandom) {
    this.#seed = seed;
    this.#rows = random.pick([10, 10_000, 300_000]);
  }

  get sql(): string {
    return `SELECT value + ${this.#seed} AS n FROM generate_series(1, ${this.#rows}) ORDER BY n`;
  }

  csv(): string {
    return `n\r\n${Array.from({ length: this.#rows }, (_, index) => `${index + 1 + this.#seed}\r\n`).join("")}`;
  }
}
