/** Queries end before their time, in every phase and every way: the processor rests and memory is back soon after. */
import { type ClientRequest, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { startServer, type TestServer } from "../fixture/server.js";
import type { Suite } from "./run.js";
import { accepted, ended, running } from "./running.js";
import type { SeededRandom } from "./seeded-random.js";
import { residentMebibytes, untilRest, unwell } from "./vitals.js";

const restWithinMs = 2_000;
/** What allocators and caches may hold on to. */
const slackMebibytes = 150;
const roundCount = 24;

/** Where a query is when it ends. */
const phases: Readonly<Record<string, (seed: number) => string>> = {
  planning: (n) =>
    `SELECT count(*) + ${n} FROM (SELECT ${Array.from({ length: 11 }, (_, i) => `${i} AS c${i}`).join(",")}) GROUP BY CUBE (c0,c1,c2,c3,c4,c5,c6,c7,c8,c9,c10)`,
  joining: (n) =>
    `SELECT count(*) + ${n} FROM generate_series(1, 3000000) a JOIN generate_series(1, 3000000) b ON a.value <> b.value`,
  sorting: (n) => `SELECT value + ${n} AS v FROM generate_series(1, 100000000) ORDER BY v DESC`,
  grouping: (n) => `SELECT value + ${n} AS v, count(*) FROM generate_series(1, 100000000) GROUP BY v`,
  scanning: (n) =>
    `SELECT sum(a.delay) + ${n} FROM flights a JOIN flights b ON a.origin = b.origin JOIN flights c ON b.origin = c.origin`,
  sending: (n) => `SELECT value + ${n} AS v, repeat('x', 100) AS text FROM generate_series(1, 1000000000)`,
};

type Way = (server: TestServer, sql: string, afterMs: number) => Promise<string | undefined>;

const ways: Readonly<Record<string, Way>> = {
  async DELETE({ client }, sql, afterMs) {
    const id = await accepted(client, sql);
    await pause(afterMs);
    await client.send(`/v1/queries/${id}`, { method: "DELETE" });
    const { status } = await ended(client, id);
    return status === "CANCELED" ? undefined : `it is ${status}`;
  },
  async disconnect(server, sql, afterMs) {
    const sent = send(server, sql);
    await pause(afterMs);
    sent.destroy();
    return undefined;
  },
  async timeout({ client }, sql, afterMs) {
    const answer = await client.query({ sql, timeout_ms: Math.max(1, afterMs) }).catch(() => undefined);
    return answer === undefined || [504, 422].includes(answer.status) ? undefined : `it was answered ${answer.status}`;
  },
};

export const cancel: Suite = async (random, scale) => {
  const server = await startServer({ environment: { LAKEGATE_LOG_LEVEL: "warn" } });
  const faults: string[] = [];
  const rests: number[] = [];
  try {
    // What the first queries load stays.
    for (const sql of Object.values(phases)) await ways.timeout?.(server, sql(0), 500);
    await untilRest(server.pid, 10_000);
    const before = residentMebibytes(server);
    for (let round = 0; round < Math.max(3, Math.round(roundCount * scale)); round++) {
      const rest = await endOnce(server, random, round);
      if (typeof rest === "string") faults.push(rest);
      else rests.push(rest);
    }
    faults.push(...(await endInQueue(server)), ...(await unwell(server, "at the end")));
    const after = residentMebibytes(server);
    if (after > before + slackMebibytes) faults.push(`${before} MiB were resident before, ${after} MiB after`);
    console.log(
      `  ${rests.length} ends: at rest after ${Math.max(...rests)} ms at most; ${before} MiB before, ${after} MiB after`,
    );
    return faults;
  } finally {
    await server.stop();
  }
};

/** The milliseconds until rest, or what is wrong. */
async function endOnce(server: TestServer, random: SeededRandom, round: number): Promise<number | string> {
  const phase = random.pick(Object.keys(phases));
  const way = random.pick(Object.keys(ways));
  const afterMs = random.pick([0, 5, 30, 200, 1_000]);
  const name = `${phase}, ${way} after ${afterMs} ms`;
  const sql = phases[phase]?.(round + 1) ?? "";
  const wrong = await ways[way]?.(server, sql, afterMs);
  if (wrong !== undefined && phase !== "planning") return `${name}: ${wrong}`;
  const rest = await untilRest(server.pid, restWithinMs);
  return rest ?? `${name}: the processor isn't at rest after ${restWithinMs} ms`;
}

/** Those that wait for others end without having run. */
async function endInQueue(server: TestServer): Promise<string[]> {
  const { client } = server;
  const sqls = Array.from({ length: 24 }, (_, index) => phases.joining?.(1_000 + index) ?? "");
  const ids = await Promise.all(sqls.map((sql) => accepted(client, sql)));
  await pause(500);
  await Promise.all(ids.map((id) => client.send(`/v1/queries/${id}`, { method: "DELETE" })));
  const statuses = await Promise.all(ids.map(async (id) => (await ended(client, id)).status));
  const rest = await untilRest(server.pid, restWithinMs);
  const faults = statuses.every((status) => status === "CANCELED") ? [] : [`of a queue: ${statuses.join(", ")}`];
  if (rest === undefined) faults.push("the processor isn't at rest after a queue was cancelled");
  await running(client, "SELECT count(*) FROM generate_series(1, 1000)");
  return faults;
}

function send({ url }: TestServer, sql: string): ClientRequest {
  const headers = { "content-type": "application/sql", accept: "text/csv" };
  const sent = request(`${url}/v1/queries`, { method: "POST", headers }, (response) =>
    response.resume().on("error", () => undefined),
  );
  sent.on("error", () => undefined);
  sent.end(sql);
  return sent;
}
