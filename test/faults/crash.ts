/** The process that serves ends while queries run: by a fault of native code, by a stack that is too deep, or because a thread never lets go. */
import { isRunning } from "../../bench/process-facts.js";
import { startServer, type TestServer } from "../fixture/server.js";
import { crashWorker } from "./killed.js";
import type { Suite } from "./run.js";
import { ended, endless, quarantine, running } from "./running.js";
import type { SeededRandom } from "./seeded-random.js";
import { unwell } from "./vitals.js";

const signals = ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGKILL"] as const;
const backWithinMs = 5_000;
const crashCount = 12;

export const crash: Suite = async (random, scale) => [
  ...(await bySignals(random, Math.max(2, Math.round(crashCount * scale)))),
  ...(await byDepth()),
  ...(await byThreads()),
];

/** A server as users run it. */
function startPatient(environment: Record<string, string> = {}): Promise<TestServer> {
  return startServer({ isCompiled: true, environment: { LAKEGATE_LOG_LEVEL: "fatal", ...environment } });
}

/** Each crash has a server of its own: one that crashes again and again is started slower each time. */
async function bySignals(random: SeededRandom, crashes: number): Promise<string[]> {
  const faults: string[] = [];
  const times: number[] = [];
  for (let round = 0; round < crashes; round++) {
    const server = await startPatient();
    try {
      const { took, faults: found } = await bySignal(server, random);
      times.push(took);
      faults.push(...found);
    } finally {
      await server.stop();
    }
  }
  const sorted = times.sort((a, b) => a - b).map(Math.round);
  console.log(
    `  ${crashes} crashes: back after ${sorted[Math.floor(sorted.length / 2)]} ms in the median, ${sorted.at(-1)} ms at most`,
  );
  return faults;
}

async function bySignal(server: TestServer, random: SeededRandom): Promise<{ took: number; faults: string[] }> {
  const { client } = server;
  const signal = random.pick(signals);
  const faults: string[] = [];
  const seeds = Array.from({ length: random.between(1, 4) }, (_, index) => index);
  const ids = await Promise.all(seeds.map((seed) => running(client, endless(seed))));
  const waiting = client.query(endless(seeds.length)).catch(() => undefined);
  const took = await crashWorker(server, signal);
  if (took > backWithinMs) faults.push(`${signal}: back after ${Math.round(took)} ms`);
  for (const id of ids) {
    const { status, error } = await ended(client, id);
    if (status !== "FAILED" || error?.code !== "engine_crashed")
      faults.push(`${signal}: ${id} is ${status} ${error?.code}`);
  }
  if ((await waiting) !== undefined) faults.push(`${signal}: a query that was lost was answered`);
  if ((await quarantine(client)).length === 0) faults.push(`${signal}: nothing that ran is suspected`);
  return { took, faults: [...faults, ...(await unwell(server, `after ${signal}`))] };
}

/** Limits that an operator should not set let a statement through that is deeper than any stack. */
async function byDepth(): Promise<string[]> {
  const limits = { LAKEGATE_SQL_DEPTH: "1000000", LAKEGATE_SQL_CHAIN: "1000000", LAKEGATE_SQL_TOKENS: "10000000" };
  const server = await startPatient({ ...limits, LAKEGATE_SQL_BYTES: "64MiB", LAKEGATE_BODY_LIMIT: "64MiB" });
  const sql = `SELECT ${Array.from({ length: 300_000 }, (_, index) => `${index} = 1`).join(" OR ")}`;
  try {
    const { pid } = server;
    const answer = await server.client.query(sql).catch(() => undefined);
    if (answer !== undefined)
      return [`a statement of ${sql.length} bytes was answered ${answer.status} instead of ending the process`];
    while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
    while ((await server.client.send("/health/ready").catch(() => undefined))?.status !== 200);
    const again = await server.client.query(sql);
    console.log(
      `  a stack that overflows: the connection ends, the statement is answered ${again.status} from then on`,
    );
    const faults = again.status === 422 ? [] : [`the statement that ended the process was answered ${again.status}`];
    return [...faults, ...(await unwell(server, "after a stack overflow"))];
  } finally {
    await server.stop();
  }
}

/** One step of a function that takes minutes, which nothing can interrupt. */
const stepOfMinutes =
  "SELECT levenshtein(repeat('a', 60000), repeat('b', 60000 + value)) AS n FROM generate_series(1, 100)";

async function byThreads(): Promise<string[]> {
  const server = await startPatient();
  try {
    const { pid } = server;
    const answer = await server.client.query({ sql: stepOfMinutes, timeout_ms: 1_000 });
    const faults = answer.status === 504 ? [] : [`a step of minutes was answered ${answer.status}`];
    faults.push(...(await unwell(server, "while a thread is stuck")));
    const started = performance.now();
    while (isRunning(pid) && performance.now() - started < 60_000)
      await new Promise((resolve) => setTimeout(resolve, 20));
    if (isRunning(pid)) return [...faults, "the process with the stuck thread goes on"];
    const replaced = Math.round((performance.now() - started) / 1000);
    while ((await server.client.send("/health/ready").catch(() => undefined))?.status !== 200);
    const again = await server.client.query(stepOfMinutes);
    console.log(
      `  a thread that never lets go: 504 at the deadline, replaced after ${replaced} s, then ${again.status}`,
    );
    if (again.status !== 422) faults.push(`the statement that took a thread was answered ${again.status}`);
    return [...faults, ...(await unwell(server, "after a thread was stuck"))];
  } finally {
    await server.stop();
  }
}
