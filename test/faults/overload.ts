/** Twice the load that saturates the server: as much is answered as before, small queries are answered at once, the rest is told to come back. */
import { setTimeout as pause } from "node:timers/promises";
import { startServer, type TestServer } from "../fixture/server.js";
import { percentile } from "./percentile.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";
import { residentMebibytes } from "./vitals.js";

const clients = 16;
const saturatedSeconds = 10;
const overloadedSeconds = 30;
const probeMs = 50;
const leastGoodput = 0.9;
const longestProbeMs = 250;
const flatMebibytes = 100;

/** Of queries that no cache answers: most take some milliseconds, some a hundred. */
function statement(random: SeededRandom, seed: number): string {
  const rows = random.pick([200_000, 200_000, 200_000, 1_000_000, 5_000_000]);
  return `SELECT sum(value % 7) + ${seed} AS n FROM generate_series(1, ${rows})`;
}

export const overload: Suite = async (random, scale) => {
  const server = await startServer({ environment: { LAKEGATE_LOG_LEVEL: "warn", LAKEGATE_QUEUE: "64" } });
  try {
    const load = new Load(server, random);
    await load.closed(2);
    const saturated = await load.closed(saturatedSeconds * scale);
    await load.open(2 * saturated.rate, 3);
    const before = residentMebibytes(server);
    const seconds = overloadedSeconds * scale;
    const [overloaded, probes] = await Promise.all([load.open(2 * saturated.rate, seconds), probe(server, seconds)]);
    const after = residentMebibytes(server);
    const goodput = overloaded.rate / saturated.rate;
    const p99 = percentile(probes, 99);
    console.log(`  saturated by ${clients} clients: ${saturated.rate.toFixed(1)} queries a second`);
    console.log(
      `  at twice that: ${overloaded.rate.toFixed(1)} a second (${(100 * goodput).toFixed(0)} %), ${overloaded.said()}`,
    );
    console.log(
      `  SELECT 1: ${percentile(probes, 50).toFixed(0)} ms in the median, ${p99.toFixed(0)} ms at the 99th percentile of ${probes.length}`,
    );
    console.log(`  ${before} MiB before, ${after} MiB after`);
    const faults = overloaded.unexpected([200, 429, 503]);
    if (goodput < leastGoodput) faults.push(`goodput is ${(100 * goodput).toFixed(0)} % of the maximum`);
    if (p99 > longestProbeMs) faults.push(`SELECT 1 took ${p99.toFixed(0)} ms at the 99th percentile`);
    if (after > before + flatMebibytes) faults.push(`memory grew from ${before} to ${after} MiB`);
    return faults;
  } finally {
    await server.stop();
  }
};

class Load {
  readonly #server: TestServer;
  readonly #random: SeededRandom;
  #seed = 0;

  constructor(server: TestServer, random: SeededRandom) {
    this.#server = server;
    this.#random = random;
  }

  /** Each client asks again when it is answered. */
  async closed(seconds: number): Promise<Tally> {
    const tally = new Tally(seconds);
    const client = async () => {
      while (!tally.isOver()) await this.#ask(tally);
    };
    await Promise.all(Array.from({ length: clients }, client));
    return tally;
  }

  /** Queries come at a rate, whatever becomes of those before. */
  async open(rate: number, seconds: number): Promise<Tally> {
    const tally = new Tally(seconds);
    const asked: Promise<void>[] = [];
    for (let count = 0; !tally.isOver(); count++) {
      asked.push(this.#ask(tally));
      await pause(Math.max(0, (count / rate) * 1000 - tally.elapsedMs()));
    }
    await Promise.all(asked);
    return tally;
  }

  async #ask(tally: Tally): Promise<void> {
    const sql = statement(this.#random, this.#seed++);
    const answer = await this.#server.client.query({ sql, wait_timeout_ms: 60_000 }).catch(() => undefined);
    const isComplete = answer?.status !== 429 && answer?.status !== 503 ? true : answer.headers.has("retry-after");
    tally.count(isComplete ? (answer?.status ?? "broken") : "without Retry-After");
  }
}

/** What queries were answered, as long as the load lasted. */
class Tally {
  readonly #started = performance.now();
  readonly #milliseconds: number;
  readonly #counts: Record<string, number> = {};
  #inTime = 0;

  constructor(seconds: number) {
    this.#milliseconds = seconds * 1000;
  }

  count(status: number | string): void {
    this.#counts[status] = (this.#counts[status] ?? 0) + 1;
    if (status === 200 && !this.isOver()) this.#inTime += 1;
  }

  /** Answers with rows a second. */
  get rate(): number {
    return this.#inTime / (this.#milliseconds / 1000);
  }

  elapsedMs(): number {
    return performance.now() - this.#started;
  }

  isOver(): boolean {
    return this.elapsedMs() >= this.#milliseconds;
  }

  said(): string {
    return Object.entries(this.#counts)
      .map(([status, count]) => `${count} × ${status}`)
      .join(", ");
  }

  unexpected(expected: readonly number[]): string[] {
    const wrong = Object.keys(this.#counts).filter((status) => !expected.map(String).includes(status));
    return wrong.map((status) => `${this.#counts[status]} queries were answered ${status}`);
  }
}

/** The milliseconds that each SELECT 1 takes, one after the other. */
async function probe({ client }: TestServer, seconds: number): Promise<number[]> {
  const times: number[] = [];
  const started = performance.now();
  for (let n = 0; performance.now() - started < seconds * 1000; n++) {
    const asked = performance.now();
    const answer = await client.query(`SELECT 1 + ${n} AS one`);
    if (answer.status !== 200) console.log(`  SELECT 1 was answered ${answer.status}: ${answer.text}`);
    times.push(answer.status === 200 ? performance.now() - asked : Number.POSITIVE_INFINITY);
    await pause(probeMs);
  }
  return times;
}
