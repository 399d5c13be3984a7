/** Every limit of the settings is met, and says so. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { SessionDescription } from "../schemas/generated/index.js";
import { accepted, ended, endless, running, statusOf } from "./faults/running.js";
import type { Answer } from "./fixture/client.js";
import { assertProblem, type ExpectedProblem } from "./fixture/problem.js";
import { startServer, type TestServer } from "./fixture/server.js";

const tooComplex = { status: 422, code: "statement_too_complex" } as const;
const tooLarge = { status: 422, code: "result_too_large" } as const;
const outOfMemory = { status: 422, code: "memory_exceeded" } as const;
const tooMany = { status: 429, code: "too_many_requests" } as const;
const bodyTooLarge = { status: 413, code: "body_too_large" } as const;

interface Excess {
  readonly setting: string;
  readonly value: string;
  readonly send: (server: TestServer) => Promise<Answer>;
  readonly problem: ExpectedProblem;
}

const asks =
  (request: object | string) =>
  ({ client }: TestServer) =>
    client.query(request);

const excesses: readonly Excess[] = [
  {
    setting: "LAKEGATE_BODY_LIMIT",
    value: "64KiB",
    send: asks(`SELECT '${"x".repeat(70_000)}'`),
    problem: bodyTooLarge,
  },
  {
    setting: "LAKEGATE_BODY_LIMIT",
    value: "64KiB",
    send: ({ client }) => {
      const headers = { "content-type": "application/sql", "content-encoding": "gzip" };
      return client.send("/v1/queries", { method: "POST", headers, body: gzipSync(Buffer.alloc(70_000, " ")) });
    },
    problem: bodyTooLarge,
  },
  {
    setting: "LAKEGATE_ROWS_LIMIT",
    value: "64KiB",
    send: ({ client }) => {
      const headers = { "content-type": "application/x-ndjson" };
      const body = '{"n": 1}\n'.repeat(10_000);
      return client.send("/v1/tables/made/rows?mode=create", { method: "POST", headers, body });
    },
    problem: bodyTooLarge,
  },
  { setting: "LAKEGATE_SQL_BYTES", value: "1KiB", send: asks(`SELECT '${"x".repeat(2_000)}'`), problem: tooComplex },
  { setting: "LAKEGATE_SQL_TOKENS", value: "100", send: asks(`SELECT ${"1, ".repeat(100)} 1`), problem: tooComplex },
  {
    setting: "LAKEGATE_SQL_DEPTH",
    value: "8",
    send: asks(`SELECT ${"(".repeat(9)}1${")".repeat(9)}`),
    problem: tooComplex,
  },
  { setting: "LAKEGATE_SQL_CHAIN", value: "10", send: asks(`SELECT 1${" + 1".repeat(20)}`), problem: tooComplex },
  {
    setting: "LAKEGATE_SQL_CHAIN",
    value: "10",
    send: asks("SELECT 1 FROM (SELECT 1 AS a, 2 AS b, 3 AS c) GROUP BY CUBE (a, b, c), GROUPING SETS ((a), (b))"),
    problem: tooComplex,
  },
  {
    setting: "LAKEGATE_PARAMETERS",
    value: "2",
    send: asks({ sql: "SELECT $1, $2, $3", parameters: [1, 2, 3] }),
    problem: { status: 422, code: "statement_too_complex" },
  },
  {
    setting: "LAKEGATE_RESULT_ROWS",
    value: "1000",
    send: asks("SELECT value FROM generate_series(1, 1001)"),
    problem: tooLarge,
  },
  {
    setting: "LAKEGATE_RESULT_BYTES",
    value: "16KiB",
    send: asks("SELECT repeat('x', 200) AS text FROM generate_series(1, 100)"),
    problem: tooLarge,
  },
  {
    setting: "LAKEGATE_QUERY_TIMEOUT_MS",
    value: "1000",
    send: asks(endless(1)),
    problem: { status: 504, code: "query_timeout" },
  },
  {
    setting: "LAKEGATE_QUERY_TIMEOUT_MS",
    value: "1000",
    send: asks({ sql: "SELECT 1", timeout_ms: 1001 }),
    problem: { status: 400, code: "invalid_request" },
  },
  {
    setting: "LAKEGATE_PLANNING_TIMEOUT_MS",
    value: "1",
    send: asks(Array(40).fill(cube(9)).join(" UNION ALL ")),
    problem: { status: 504, code: "planning_timeout" },
  },
  {
    setting: "LAKEGATE_MEMORY_LIMIT",
    value: "8MiB",
    send: asks("SELECT count(*) FROM generate_series(1, 3000000) a JOIN generate_series(1, 3000000) b USING (value)"),
    problem: outOfMemory,
  },
  {
    setting: "LAKEGATE_QUERY_MEMORY",
    value: "8MiB",
    send: asks("SELECT count(*) FROM generate_series(1, 3000000) a JOIN generate_series(1, 3000000) b USING (value)"),
    problem: outOfMemory,
  },
  {
    setting: "LAKEGATE_SESSIONS",
    value: "1",
    send: async ({ client }) => {
      await client.sendJson("/v1/sessions", {});
      return client.sendJson("/v1/sessions", {});
    },
    problem: tooMany,
  },
  {
    setting: "LAKEGATE_ENTRIES",
    value: "1",
    send: async ({ client }) => {
      await client.sendJson("/v1/views/first", { sql: "SELECT 1 AS n" }, { method: "PUT" });
      return client.sendJson("/v1/views/second", { sql: "SELECT 2 AS n" }, { method: "PUT" });
    },
    problem: tooMany,
  },
];

function cube(size: number): string {
  return `SELECT count(*) FROM (SELECT ${columns(size, (i) => `${i} AS c${i}`)}) GROUP BY CUBE (${columns(size, (i) => `c${i}`)})`;
}

function columns(count: number, column: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => column(index)).join(", ");
}

describe("a limit that is met", () => {
  /** Settings that go together share a server. */
  const values = new Map(excesses.map(({ setting, value }) => [setting, value]));
  const apart = [
    "LAKEGATE_PLANNING_TIMEOUT_MS",
    "LAKEGATE_QUERY_MEMORY",
    "LAKEGATE_MEMORY_LIMIT",
    "LAKEGATE_SQL_TOKENS",
  ];
  const servers = new Map<string, Promise<TestServer>>();
  const serverOf = (setting: string): Promise<TestServer> => {
    const group = apart.includes(setting) ? setting : "";
    const names = group === "" ? [...values.keys()].filter((name) => !apart.includes(name)) : [group];
    const environment = Object.fromEntries(names.map((name) => [name, values.get(name) ?? ""]));
    const server = servers.get(group) ?? startServer({ environment });
    servers.set(group, server);
    return server;
  };
  after(async () => {
    for (const server of servers.values()) await (await server).stop();
  });

  for (const [index, { setting, value, send, problem }] of excesses.entries())
    it(`${setting}=${value} (${index})`, async () => {
      const server = await serverOf(setting);
      assertProblem(await send(server), problem);
    });
});

describe("queries that wait for others", () => {
  let server: TestServer;

  before(async () => {
    server = await startServer({
      environment: {
        LAKEGATE_QUERIES: "1",
        LAKEGATE_QUERIES_OF_CALLER: "10",
        LAKEGATE_QUEUE: "3",
        LAKEGATE_QUEUE_OF_CALLER: "2",
        LAKEGATE_QUEUE_MS: "3000",
      },
    });
  });
  after(() => server.stop());

  const session = async () => (await server.client.sendJson("/v1/sessions", {})).as<SessionDescription>().session_id;
  const cancelAll = async (ids: readonly string[]) => {
    for (const id of ids) await server.client.send(`/v1/queries/${id}`, { method: "DELETE" });
    for (const id of ids) await ended(server.client, id);
  };
  const begun = async (id: string) => {
    while ((await statusOf(server.client, id)).status === "PENDING") await pause(5);
  };
  const waits = async (sql: string, session_id?: string) => {
    const id = await accepted(server.client, sql, session_id);
    // Its plan tells that it is long; that it hasn't run, that it waits.
    await pause(300);
    assert.equal((await statusOf(server.client, id)).status, "PENDING");
    return id;
  };

  it("are as many as may for each caller and in all, and are told to come back", async () => {
    const ids = [await running(server.client, endless(1)), await waits(endless(2)), await waits(endless(3))];
    const ofCaller = await server.client.query(endless(4));
    const { details } = assertProblem(ofCaller, tooMany);
    assert.equal(ofCaller.headers.get("retry-after"), String(details?.retry_after_seconds));
    const others = await session();
    ids.push(await waits(endless(5), others));
    const inAll = await server.client.query({ sql: endless(6), session_id: others });
    assertProblem(inAll, { status: 503, code: "overloaded" });
    assert.ok(Number(inAll.headers.get("retry-after")) >= 1);
    await cancelAll(ids);
  });

  it("don't keep those waiting that are over soon, nor results that are kept", async () => {
    const sql = "SELECT count(*) AS n FROM generate_series(1, 1000)";
    const kept = await server.client.rows(sql);
    const first = await running(server.client, endless(1));
    const second = await waits(endless(2));
    assert.deepEqual(await server.client.rows(sql), kept);
    assert.deepEqual(await server.client.rows("SELECT 7 AS n"), [{ n: 7 }]);
    assert.deepEqual(await server.client.rows("SELECT count(*) AS n FROM airports"), [{ n: 3376 }]);
    await cancelAll([first, second]);
  });

  it("wait no longer than they may", async () => {
    const first = await running(server.client, endless(1));
    assertProblem(await server.client.query(endless(2)), { status: 503, code: "overloaded" });
    await cancelAll([first]);
  });

  it("take turns by their callers", async () => {
    const mine = [await running(server.client, endless(1)), await waits(endless(2)), await waits(endless(3))];
    const theirs = await waits(endless(4), await session());
    const [first = "", second = "", third = ""] = mine;
    await cancelAll([first]);
    await begun(second);
    await cancelAll([second]);
    await begun(theirs);
    assert.equal((await statusOf(server.client, third)).status, "PENDING");
    await cancelAll([theirs]);
    await begun(third);
    await cancelAll([third]);
  });

  it("leave their place when they are cancelled", async () => {
    const first = await running(server.client, endless(1));
    const second = await waits(endless(2));
    await cancelAll([second]);
    await cancelAll([await waits(endless(3)), first]);
  });
});
