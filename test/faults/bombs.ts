/** Statements that blow up: each is refused or ended with a clear problem, and the server goes on as if nothing had been. */
import { startServer, type TestServer } from "../fixture/server.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";
import { residentMebibytes, unwell } from "./vitals.js";

interface Bomb {
  readonly name: string;
  readonly sql: (size: number) => string;
  /** From a size that might pass to one that never may. */
  readonly sizes: readonly [number, number];
}

const many = (count: number, separator: string, item: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => item(index)).join(separator);
const nested = (depth: number, before: string, inside: string, after: string) =>
  before.repeat(depth) + inside + after.repeat(depth);

const statements: readonly Bomb[] = [
  { name: "ORs", sizes: [600, 30_000], sql: (n) => `SELECT ${many(n, " OR ", (i) => `${i} = 1`)}` },
  { name: "sums", sizes: [600, 60_000], sql: (n) => `SELECT ${many(n, " + ", String)}` },
  { name: "concatenations", sizes: [600, 20_000], sql: (n) => `SELECT ${many(n, " || ", () => "'x'")}` },
  { name: "brackets", sizes: [65, 50_000], sql: (n) => `SELECT ${nested(n, "(", "1", ")")}` },
  { name: "NOTs", sizes: [65, 50_000], sql: (n) => `SELECT ${"NOT ".repeat(n)} true` },
  { name: "minus signs", sizes: [65, 50_000], sql: (n) => `SELECT ${"- ".repeat(n)} 1` },
  { name: "casts", sizes: [65, 5_000], sql: (n) => `SELECT 1${"::INT".repeat(n)}` },
  { name: "CASEs", sizes: [65, 3_000], sql: (n) => `SELECT ${nested(n, "CASE WHEN true THEN ", "1", " END")}` },
  { name: "subqueries", sizes: [65, 3_000], sql: (n) => `SELECT ${nested(n, "(SELECT ", "1", ")")}` },
  { name: "functions", sizes: [65, 5_000], sql: (n) => `SELECT ${nested(n, "abs(", "1", ")")}` },
  { name: "types", sizes: [65, 3_000], sql: (n) => `SELECT CAST(NULL AS ${nested(n, "ARRAY<", "INT", ">")})` },
  {
    name: "types in text",
    sizes: [65, 3_000],
    sql: (n) => `SELECT arrow_cast(NULL, '${nested(n, "List(", "Int8", ")")}')`,
  },
  { name: "UNIONs", sizes: [600, 5_000], sql: (n) => many(n, " UNION ALL ", (i) => `SELECT ${i}`) },
  { name: "joins", sizes: [600, 5_000], sql: (n) => `SELECT 1 FROM ${many(n, ", ", (i) => `(SELECT 1) t${i}`)}` },
  {
    name: "CTEs",
    sizes: [600, 3_000],
    sql: (n) =>
      `WITH ${many(n, ", ", (i) => `c${i} AS (SELECT ${i === 0 ? 1 : `* FROM c${i - 1}`})`)} SELECT * FROM c${n - 1}`,
  },
  {
    name: "CTEs that double",
    sizes: [20, 60],
    sql: (n) =>
      `WITH ${many(n, ", ", (i) => `c${i} AS (SELECT ${i === 0 ? "1 AS x" : `a.x FROM c${i - 1} a, c${i - 1} b`})`)} SELECT count(*) FROM c${n - 1}`,
  },
  { name: "a literal", sizes: [1_000_000, 7_000_000], sql: (n) => `SELECT '${"x".repeat(n)}'` },
  { name: "an IN list", sizes: [30_000, 300_000], sql: (n) => `SELECT 1 WHERE 1 IN (${many(n, ",", String)})` },
  {
    name: "VALUES",
    sizes: [30_000, 300_000],
    sql: (n) => `SELECT count(*) FROM (VALUES ${many(n, ",", (i) => `(${i})`)})`,
  },
  { name: "columns", sizes: [20_000, 100_000], sql: (n) => `SELECT ${many(n, ",", String)}` },
  {
    name: "a CUBE",
    sizes: [8, 30],
    sql: (n) =>
      `SELECT count(*) FROM (SELECT ${many(n, ",", (i) => `${i} AS c${i}`)}) GROUP BY CUBE (${many(n, ",", (i) => `c${i}`)})`,
  },
  {
    name: "a cross join",
    sizes: [100_000, 1_000_000],
    sql: (n) => `SELECT count(*) FROM ${many(4, ", ", (i) => `generate_series(1, ${n}) t${i}`)}`,
  },
  { name: "a series", sizes: [1e10, 1e12], sql: (n) => `SELECT sum(value) FROM generate_series(1, ${n})` },
  {
    name: "a sorted series",
    sizes: [1e9, 1e12],
    sql: (n) => `SELECT value FROM generate_series(1, ${n}) ORDER BY value DESC`,
  },
  {
    name: "a list of a series",
    sizes: [1e9, 1e12],
    sql: (n) => `SELECT array_agg(value) FROM generate_series(1, ${n})`,
  },
  { name: "a range", sizes: [1e8, 1e12], sql: (n) => `SELECT range(0, ${n})` },
  { name: "repeat", sizes: [1e8, 2e9], sql: (n) => `SELECT repeat('x', ${n})` },
  {
    name: "repeat of rows",
    sizes: [1e6, 1e9],
    sql: (n) => `SELECT max(length(repeat('x', ${n} + value))) FROM generate_series(1, 1000)`,
  },
  {
    name: "repeat of repeat",
    sizes: [1e4, 6e4],
    sql: (n) => `SELECT length(repeat(repeat(repeat('x', ${n}), ${n}), ${n}))`,
  },
  { name: "lpad", sizes: [1e8, 2e9], sql: (n) => `SELECT lpad('x', ${n}, 'y')` },
  {
    name: "replace",
    sizes: [3e3, 6e4],
    sql: (n) =>
      `SELECT max(length(replace(repeat('x', ${n} + value), 'x', repeat('y', ${n})))) FROM generate_series(1, 900)`,
  },
  {
    name: "regexp_replace",
    sizes: [3e3, 6e4],
    sql: (n) =>
      `SELECT max(length(regexp_replace(repeat('x', ${n} + value), '.', repeat('y', ${n}), 'g'))) FROM generate_series(1, 900)`,
  },
  {
    name: "concat",
    sizes: [20, 300],
    sql: (n) =>
      `SELECT max(length(concat(${many(n, ", ", () => "t")}))) FROM (SELECT repeat('x', 6000 + value) AS t FROM generate_series(1, 8000))`,
  },
  {
    name: "text that grows together",
    sizes: [1e6, 1e9],
    sql: (n) => `SELECT length(string_agg(repeat('x', 1000), ',')) FROM generate_series(1, ${n})`,
  },
  {
    name: "text that doubles",
    sizes: [25, 45],
    sql: (n) =>
      `WITH ${many(n, ", ", (i) => `c${i} AS (SELECT ${i === 0 ? "'x' AS x" : `concat(x, x) AS x FROM c${i - 1}`})`)} SELECT length(x) FROM c${n - 1}`,
  },
  {
    name: "a recursion without end",
    sizes: [1, 2],
    sql: (n) => `WITH RECURSIVE r AS (SELECT ${n} AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r`,
  },
  {
    name: "a recursion that doubles",
    sizes: [40, 200],
    sql: (n) =>
      `WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r CROSS JOIN (VALUES (1), (2)) WHERE n < ${n}) SELECT count(*) FROM r`,
  },
  { name: "a regex", sizes: [100, 1_000], sql: (n) => `SELECT regexp_like('a', '(((a{${n}}){${n}}){${n}})')` },
  {
    name: "a regex with alternatives",
    sizes: [1_000, 30_000],
    sql: (n) => `SELECT regexp_replace(repeat('a', ${n}), '(a|aa|a*)*b', 'x', 'g')`,
  },
  { name: "LIKE", sizes: [1_000, 20_000], sql: (n) => `SELECT repeat('a', ${n}) LIKE '${"%a".repeat(1_000)}b'` },
  {
    name: "edit distances",
    sizes: [3_000, 20_000],
    sql: (n) => `SELECT levenshtein(repeat('a', ${n}), repeat('b', ${n} + value)) FROM generate_series(1, 100)`,
  },
  {
    name: "unnested lists",
    sizes: [1_000, 8_000],
    sql: (n) => `SELECT count(*) FROM (SELECT unnest(range(0, ${n})) FROM generate_series(1, 1000000))`,
  },
  {
    name: "windows",
    sizes: [1e7, 1e9],
    sql: (n) =>
      `SELECT sum(value) OVER (ORDER BY value DESC ROWS BETWEEN 10000 PRECEDING AND CURRENT ROW) FROM generate_series(1, ${n})`,
  },
  {
    name: "groups",
    sizes: [1e8, 1e10],
    sql: (n) => `SELECT value, count(*) FROM generate_series(1, ${n}) GROUP BY value`,
  },
  {
    name: "a hash join",
    sizes: [1e8, 1e10],
    sql: (n) => `SELECT count(*) FROM generate_series(1, ${n}) a JOIN generate_series(1, ${n}) b USING (value)`,
  },
];

const timeout_ms = 2_000;
/** A refusal may come late by the step of work that the deadline falls into. */
const lateMs = 3_000;
const allowed = [200, 408, 413, 422, 504];

export const bombs: Suite = async (random, scale, patience = 1) => {
  const server = await startServer({
    environment: { LAKEGATE_PLANNING_TIMEOUT_MS: "5000", LAKEGATE_LOG_LEVEL: "warn" },
  });
  try {
    const faults: string[] = [];
    const { pid } = server;
    for (const bomb of statements) {
      if (random.next() >= scale) continue;
      faults.push(...(await explode(server, bomb, random, patience)));
    }
    if (server.pid !== pid) faults.push("the process ended and was started again");
    console.log(`  ${residentMebibytes(server)} MiB resident at the end`);
    return faults;
  } finally {
    await server.stop();
  }
};

async function explode(
  server: TestServer,
  { name, sql, sizes }: Bomb,
  random: SeededRandom,
  patience: number,
): Promise<string[]> {
  const [least, most] = sizes;
  const faults: string[] = [];
  const said: string[] = [];
  for (const size of [random.between(least, Math.min(most, least * 2)), most]) {
    const started = performance.now();
    const answer = await server.client
      .query({ sql: sql(size), timeout_ms, row_limit: 10 })
      .catch((error: Error) => error);
    const took = Math.round(performance.now() - started);
    const outcome =
      answer instanceof Error ? `${answer.cause ?? answer.message}` : outcomeOf(answer.status, answer.text);
    said.push(`${outcome} in ${took} ms`);
    if (answer instanceof Error || !allowed.includes(answer.status)) faults.push(`${name} of ${size}: ${outcome}`);
    if (took > (5_000 + timeout_ms + lateMs) * patience) faults.push(`${name} of ${size}: answered after ${took} ms`);
    faults.push(...(await unwell(server, `after ${name} of ${size}`, patience)));
  }
  console.log(`  ${name}: ${said.join(", ")}; ${residentMebibytes(server)} MiB`);
  return faults;
}

function outcomeOf(status: number, text: string): string {
  return status < 400 ? String(status) : `${status} ${(JSON.parse(text) as { code: string }).code}`;
}
