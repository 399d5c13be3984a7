/** Queries that want ten times the memory there is, 64 at once: the process stays near its limit, and others are answered. */
import { setTimeout as pause } from "node:timers/promises";
import { peakDuring } from "../../bench/process-facts.js";
import { startServer } from "../fixture/server.js";
import type { Suite } from "./run.js";
import { mebibytes, residentMebibytes, unwell } from "./vitals.js";

const limit = 640;
const share = 256;
/** How far beyond its limit the process may be seen. */
const tolerance = 1.25;
/** Beside other tests the process is looked at late. */
const lateTolerance = 1.5;
const atOnce = 64;
const allowed = [200, 422, 429, 503, 504];

/** Each wants some gigabytes: in sorts and groups, which pools know of, and in values, which they don't. */
const greedy: readonly ((seed: number) => string)[] = [
  (n) => `SELECT array_agg(repeat('x', 200) || value) AS list FROM generate_series(${n}, 20000000)`,
  (n) => `SELECT length(string_agg(repeat('x', 1000), ',')) AS n FROM generate_series(${n}, 3000000)`,
  (n) =>
    `SELECT value % 100000007 AS g, max(repeat('y', 100) || value) AS m FROM generate_series(${n}, 30000000) GROUP BY g`,
  (n) =>
    `SELECT count(*) AS n FROM generate_series(${n}, 50000000) a JOIN generate_series(1, 50000000) b USING (value)`,
  (n) => `SELECT repeat('z', 300) || value AS text FROM generate_series(${n}, 20000000) ORDER BY text DESC`,
  (n) =>
    `SELECT max(length(repeat('x', 8000))) + ${n} AS n FROM generate_series(1, 1000000) a JOIN generate_series(1, 100) b ON a.value <> b.value`,
  (n) => `SELECT count(DISTINCT repeat('w', 200) || value) AS n FROM generate_series(${n}, 20000000)`,
  (n) => `SELECT sum(cardinality(range(0, 900))) + ${n} AS n FROM generate_series(1, 5000000)`,
];

export const memory: Suite = async (random, scale, patience = 1) => {
  const server = await startServer({
    environment: {
      LAKEGATE_LOG_LEVEL: "warn",
      LAKEGATE_MEMORY_LIMIT: `${share}MiB`,
      LAKEGATE_QUERY_MEMORY: `${share}MiB`,
      LAKEGATE_RESIDENT_LIMIT: `${limit}MiB`,
      LAKEGATE_QUERIES: String(atOnce),
      LAKEGATE_QUEUE_MS: "120000",
    },
  });
  try {
    const { pid } = server;
    const rest = residentMebibytes(server);
    const counts: Record<string, number> = {};
    const faults: string[] = [];
    const ask = async (index: number) => {
      const sql = random.pick(greedy)(index + 1);
      const answer = await server.client
        .query({ sql, timeout_ms: 30_000, wait_timeout_ms: 600_000, row_limit: 10 })
        .catch((error: Error) => error);
      const said =
        answer instanceof Error
          ? "broken"
          : answer.status === 200
            ? "200"
            : `${answer.status} ${answer.as<{ code: string }>().code}`;
      counts[said] = (counts[said] ?? 0) + 1;
      if (answer instanceof Error || !allowed.includes(answer.status)) faults.push(`${sql}: ${said}`);
    };
    const rounds = Math.max(1, Math.round(2 * scale));
    const { peak } = await peakDuring(pid, async () => {
      for (let round = 0; round < rounds; round++)
        await Promise.all(Array.from({ length: atOnce }, (_, index) => ask(round * atOnce + index)));
    });
    faults.push(...(await unwell(server, "afterwards", patience)));
    await pause(2_000);
    console.log(
      `  ${rounds * atOnce} queries: ${Object.entries(counts)
        .map(([said, count]) => `${count} × ${said}`)
        .join(", ")}`,
    );
    console.log(
      `  ${rest} MiB at rest, ${mebibytes(peak)} MiB at most with a limit of ${limit} MiB, ${residentMebibytes(server)} MiB afterwards`,
    );
    const most = limit * (patience > 1 ? lateTolerance : tolerance);
    if (mebibytes(peak) > most) faults.push(`${mebibytes(peak)} MiB were resident`);
    if (server.pid !== pid) faults.push("the process ended and was started again");
    return faults;
  } finally {
    await server.stop();
  }
};
