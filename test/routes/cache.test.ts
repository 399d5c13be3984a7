/** Kept results: when they are used and when not, how they stay right, and /v1/cache. */
import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { CacheEviction, CacheReport, QueryAnswer, QueryList, QueryStatus } from "../../schemas/generated/index.js";
import type { Answer } from "../fixture/client.js";
import { exchange, respond } from "../fixture/exchange.js";
import { everything } from "../fixture/extremes.js";
import { assertProblem } from "../fixture/problem.js";
import { cacheUse, formats, openSession, resultPath, styles, stylesOf } from "../fixture/results.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { writeTable } from "../fixture/tables.js";
import { report, Writing } from "../fixture/writing.js";

/** Takes a second or so, and no memory. */
const slow = (seed: number, rows = 14_000) =>
  `SELECT count(*) + ${seed} AS n FROM generate_series(1, ${rows}) a JOIN generate_series(1, ${rows}) b ON a.value <> b.value`;
const endless =
  "SELECT count(*) AS n FROM generate_series(1, 3000000) a JOIN generate_series(1, 3000000) b ON a.value <> b.value";
const sql = { "content-type": "application/sql" };

describe("kept results", () => {
  let server: TestServer;
  const warehouse = temporaryFolder();
  const outside = temporaryFolder();
  const state = temporaryFolder();
  const start = () => startServer({ warehouse, state, environment: { LAKEGATE_LOCATIONS: outside } });
  const tables = new Writing(() => server.client);

  before(async () => {
    server = await start();
  });
  after(async () => {
    await server.stop();
    for (const folder of [warehouse, outside, state]) rmSync(folder, { recursive: true });
  });

  /** What the cache did, and the rows. */
  const ask = async (request: string | object, headers: Record<string, string> = {}) => {
    const answer = await server.client.query(request, headers);
    assert.equal(answer.status, 200, answer.text);
    const { data, cache, row_count, truncated } = answer.as<QueryAnswer>();
    return { use: cacheUse(answer), data, cache, row_count, truncated, age: answer.headers.get("age") };
  };
  const uses = async (request: string | object, headers: Record<string, string> = {}) =>
    (await ask(request, headers)).use;
  const cacheReport = async () => (await server.client.send("/v1/cache")).as<CacheReport>();
  const files = () => readdirSync(join(state, "results"));
  const values = (answer: { data: QueryAnswer["data"] }) => answer.data.flatMap((row) => Object.values(row));
  const add = async (name: string, id: number) => report(await tables.rows(name, [{ id, origin: "ORD", delay: id }]));
  const running = async () => {
    for (;;) {
      const { items } = (await server.client.send("/v1/queries?status=RUNNING")).as<QueryList>();
      if (items[0]) return items[0];
      await pause(10);
    }
  };

  describe("as the tables are", () => {
    it("are used until a commit, and then computed anew", async () => {
      const table = await tables.table();
      const count = `SELECT count(*) AS n FROM ${table}`;
      const first = await ask(count);
      assert.deepEqual([first.use, first.cache.status, first.age], ["fwd=uri-miss", "miss", null]);
      const second = await ask(count);
      assert.deepEqual([second.use, second.age], ["hit", "0"]);
      assert.deepEqual(second.cache, { status: "hit", key: first.cache.key });
      await add(table, 4);
      const third = await ask(count);
      assert.deepEqual([third.use, third.cache.status, values(third)], ["fwd=stale", "stale", [4]]);
      assert.notEqual(third.cache.key, first.cache.key);
      assert.deepEqual([await uses(count), values(await ask(count))], ["hit", [4]]);
    });

    it("are gone only where they read what was written", async () => {
      const [left, right] = [await tables.table(), await tables.table()];
      const of = {
        left: `SELECT sum(id) AS n FROM ${left}`,
        right: `SELECT sum(id) AS n FROM ${right}`,
        both: `SELECT count(*) AS n FROM ${left} JOIN ${right} USING (id)`,
        neither: "SELECT 77 AS n",
        pinned: { sql: `SELECT sum(id) AS n FROM ${left}`, tables: { [left]: { version: 0 } } },
        half: {
          sql: `SELECT count(*) AS n FROM ${left} l JOIN ${right} r USING (id)`,
          tables: { [left]: { version: 0 } },
        },
      };
      const all = async () =>
        Object.fromEntries(
          await Promise.all(Object.entries(of).map(async ([name, request]) => [name, await uses(request)])),
        );
      await all();
      const hits = { left: "hit", right: "hit", both: "hit", neither: "hit", pinned: "hit", half: "hit" };
      assert.deepEqual(await all(), hits);
      await add(left, 10);
      assert.deepEqual(await all(), { ...hits, left: "fwd=stale", both: "fwd=stale" });
      assert.deepEqual(await all(), hits);
      await add(right, 10);
      assert.deepEqual(await all(), { ...hits, right: "fwd=stale", both: "fwd=stale", half: "fwd=stale" });
      assert.deepEqual([values(await ask(of.left)), values(await ask(of.pinned))], [[16], [6]]);
    });

    it("are not those of a table that stood there before", async () => {
      const pinned = { sql: "SELECT n FROM replaced", tables: { replaced: { version: 0 } } };
      for (let turn = 1; turn <= 6; turn++) {
        rmSync(join(warehouse, "replaced"), { recursive: true, force: true });
        await writeTable(warehouse, "replaced", [{ mode: "create", sql: `SELECT ${turn} AS n` }]);
        for (const request of [pinned.sql, pinned, pinned.sql, pinned])
          assert.deepEqual(values(await ask(request)), [turn]);
      }
    });

    it("are not those of a table that had the name before", async () => {
      await writeTable(outside, "one", [{ mode: "create", sql: "SELECT 1 AS n" }]);
      await writeTable(outside, "two", [{ mode: "create", sql: "SELECT 2 AS n" }]);
      const register = async (folder: string) => {
        const uri = join(outside, folder);
        const { status, text } = await server.client.sendJson("/v1/tables/renamed", { uri }, { method: "PUT" });
        assert.ok(status === 200 || status === 201, text);
      };
      for (const [folder, n] of [
        ["one", 1],
        ["two", 2],
        ["one", 1],
        ["two", 2],
      ] as const) {
        await register(folder);
        for (let turn = 0; turn < 2; turn++) assert.deepEqual(values(await ask("SELECT n FROM renamed")), [n]);
      }
      assert.equal((await server.client.send("/v1/tables/renamed", { method: "DELETE" })).status, 204);
      assertProblem(await server.client.query("SELECT n FROM renamed"), { status: 422, code: "unknown_table" });
    });

    it("are those of what was asked", async () => {
      const table = await tables.table();
      const requests: [object, unknown[]][] = [
        [{ sql: `SELECT id FROM ${table} ORDER BY id` }, [1, 2, 3]],
        [{ sql: `SELECT id FROM ${table} ORDER BY id`, row_limit: 2 }, [1, 2]],
        [{ sql: `SELECT id FROM ${table} ORDER BY id`, row_limit: 3 }, [1, 2, 3]],
        [{ sql: `SELECT id FROM ${table} ORDER BY id DESC` }, [3, 2, 1]],
        [{ sql: "SELECT $1 AS x", parameters: [1] }, [1]],
        [{ sql: "SELECT $1 AS x", parameters: [2] }, [2]],
        [{ sql: "SELECT $1 AS x", parameters: ["1"] }, ["1"]],
        [{ sql: "SELECT $1 AS x", parameters: [1.5] }, [1.5]],
        [{ sql: "SELECT $1 AS x", parameters: [true] }, [true]],
        [{ sql: "SELECT $1 AS x", parameters: [null] }, [null]],
        [{ sql: "SELECT $1 AS x", parameters: [{ type: "Utf8", value: "a" }] }, ["a"]],
        [{ sql: "SELECT $1 AS x", parameters: [{ type: "Decimal128(5, 2)", value: "1.00" }] }, [1]],
        [{ sql: "SELECT arrow_typeof($1) AS x", parameters: [{ type: "Int32", value: 1 }] }, ["Int32"]],
        [{ sql: "SELECT arrow_typeof($1) AS x", parameters: [{ type: "Int64", value: 1 }] }, ["Int64"]],
        [{ sql: "SELECT 10 * CAST($a AS INT) + CAST($b AS INT) AS x", parameters: { a: 1, b: 2 } }, [12]],
        [{ sql: "SELECT 10 * CAST($a AS INT) + CAST($b AS INT) AS x", parameters: { b: 1, a: 2 } }, [21]],
        [{ sql: "SELECT 'a' AS x" }, ["a"]],
        [{ sql: "SELECT 'a ' AS x" }, ["a "]],
        [{ sql: "SELECT 'A' AS x" }, ["A"]],
        [{ sql: "SELECT '--' AS x" }, ["--"]],
        [{ sql: "SELECT 'a''b' AS x" }, ["a'b"]],
        [{ sql: "SELECT 'a\\n' AS x" }, ["a\\n"]],
        [{ sql: "SELECT E'a\\n' AS x" }, ["a\n"]],
        [{ sql: "SELECT 1.0 AS x" }, [1]],
      ];
      for (const expected of ["computed", "kept"])
        for (const [request, rows] of requests)
          assert.deepEqual(values(await ask(request)), rows, `${expected}: ${JSON.stringify(request)}`);
      const keys = new Set<string | null | undefined>();
      for (const [request] of requests) keys.add((await ask(request)).cache.key);
      assert.equal(keys.size, requests.length, "a key is of one request");
    });

    it("are those of the session's settings", async () => {
      const request = {
        sql: "SELECT CAST(CAST('2024-07-01T00:00:00' AS TIMESTAMP) AS TIMESTAMP WITH TIME ZONE) AS at",
      };
      const zones = ["+00:00", "+05:30", "-08:00"];
      const sessions = await Promise.all(
        zones.map((time_zone) => openSession(server.client, { execution: { time_zone } })),
      );
      const seen = new Set<unknown>();
      for (const session_id of [...sessions, ...sessions]) {
        const kept = await ask({ ...request, session_id });
        assert.deepEqual(kept.data, (await ask({ ...request, session_id }, { "cache-control": "no-store" })).data);
        seen.add(values(kept)[0]);
      }
      assert.equal(seen.size, zones.length);
      const table = await tables.table();
      const rows = { sql: `SELECT id FROM ${table} ORDER BY id` };
      const few = await openSession(server.client, { defaults: { row_limit: 1 } });
      const alike = await openSession(server.client, { execution: { target_partitions: 1 } });
      assert.deepEqual(values(await ask({ ...rows, session_id: few })), [1]);
      assert.deepEqual(values(await ask(rows)), [1, 2, 3]);
      assert.deepEqual(values(await ask({ ...rows, session_id: few })), [1]);
      assert.equal(await uses({ ...rows, session_id: alike }), "hit", "how it is computed makes no other result");
    });

    it("are served only to sessions that are there", async () => {
      const session_id = await openSession(server.client, { execution: { target_partitions: 1 } });
      const path = resultPath({ sql: "SELECT 5 AS n", session_id, format: "arrow" });
      for (let turn = 0; turn < 4; turn++) assert.equal((await server.client.send(path)).status, 200);
      await server.client.send(`/v1/sessions/${session_id}`, { method: "DELETE" });
      assertProblem(await server.client.send(path), { status: 404, code: "session_not_found" });
    });

    it("are not what a limit of bytes leaves", async () => {
      const request = { sql: "SELECT value FROM generate_series(1, 20000)" };
      const short = await openSession(server.client, { defaults: { byte_limit: 1000 } });
      for (const limited of [
        { ...request, byte_limit: 1000 },
        { ...request, session_id: short },
      ]) {
        for (let turn = 0; turn < 2; turn++) {
          const { use, truncated, row_count, cache } = await ask(limited);
          assert.deepEqual([use, truncated], ["fwd=bypass", true]);
          assert.deepEqual(cache, { status: "bypass", reason: "byte_limit" });
          assert.ok(row_count < 20_000);
        }
      }
      assert.equal((await ask(request)).row_count, 20_000);
    });

    it("say that they are cut short", async () => {
      const request = { sql: "SELECT value FROM generate_series(1, 100)", row_limit: 7 };
      for (const use of ["fwd=uri-miss", "hit"]) {
        const answer = await ask(request);
        assert.deepEqual([answer.use, answer.truncated, answer.row_count], [use, true, 7]);
      }
      for (const format of formats) {
        const { headers } = await exchange(server.url + resultPath({ ...request, format }));
        assert.deepEqual([headers["query-truncated"], headers["query-row-count"]], ["true", "7"], format);
      }
      assert.equal((await ask({ ...request, row_limit: 100 })).truncated, false);
    });
  });

  describe("as a request wants them", () => {
    it("are computed anew with no-cache, and then kept", async () => {
      const table = await tables.table();
      const rows = `SELECT id FROM ${table} ORDER BY id`;
      const tag = async (headers = {}) =>
        (await exchange(server.url + resultPath({ sql: rows, format: "csv" }), { headers })).headers.etag;
      const first = await tag();
      for (let turn = 0; turn < 3; turn++) assert.equal(await tag(), first);
      const anew = await tag({ "cache-control": "no-cache" });
      assert.notEqual(anew, first);
      assert.equal(await tag(), anew);
      assert.equal(await uses(rows, { "cache-control": "no-cache" }), "fwd=request");
      assert.equal((await ask({ sql: rows, cache: { no_cache: true } })).cache.status, "refresh");
      assert.equal(await uses(rows), "hit");
    });

    it("are left alone with no-store", async () => {
      const request = { sql: "SELECT 'never kept' AS x" };
      const before = files().length;
      for (const [asked, headers] of [
        [request, { "cache-control": "no-store" }],
        [{ ...request, cache: { no_store: true } }, {}],
      ] as [object, Record<string, string>][]) {
        const { cache, use } = await ask(asked, headers);
        assert.deepEqual([use, cache], ["fwd=bypass", { status: "bypass", reason: "no-store" }]);
      }
      assert.equal(files().length, before);
      assert.equal(await uses(request), "fwd=uri-miss");
      assert.equal(await uses(request, { "cache-control": "no-store" }), "fwd=bypass");
    });

    it("may be as old as max-age", async () => {
      const table = await tables.table();
      const count = `SELECT count(*) AS n FROM ${table}`;
      await ask(count);
      await add(table, 4);
      const old = await ask(count, { "cache-control": "max-age=60" });
      assert.deepEqual([old.use, values(old)], ["hit", [3]]);
      await pause(1100);
      const older = await ask({ sql: count, cache: { max_age_seconds: 60 } });
      assert.deepEqual([values(older), Number(older.age) >= 1], [[3], true]);
      assert.deepEqual(values(await ask(count, { "cache-control": "max-age=1" })), [4], "after a second");
      await add(table, 5);
      assert.deepEqual(values(await ask(count, { "cache-control": "max-age=0" })), [5]);
      assert.equal(await uses(count), "hit");
      await add(table, 6);
      assert.deepEqual(values(await ask(count)), [6], "who doesn't allow it gets nothing old");
    });

    it("are all that there is with only-if-cached", async () => {
      const table = await tables.table();
      const count = `SELECT count(*) AS n FROM ${table}`;
      const only = { "cache-control": "only-if-cached" };
      const refused = await server.client.query(count, only);
      assertProblem(refused, { status: 504, code: "not_cached" });
      const status = await server.client.send(`/v1/queries/${refused.headers.get("query-id")}`);
      assert.equal(status.as<QueryStatus>().error?.code, "not_cached");
      await ask(count);
      assert.equal(await uses(count, only), "hit");
      await add(table, 4);
      assertProblem(await server.client.query(count, only), { status: 504, code: "not_cached" });
      const lenient = { "cache-control": "only-if-cached, max-age=60" };
      await ask(count);
      await add(table, 5);
      assert.deepEqual(values(await ask(count, lenient)), [4]);
      const neither = { sql: "SELECT now()", cache: { only_if_cached: true } };
      assertProblem(await server.client.query(neither), { status: 504, code: "not_cached" });
      assertProblem(await server.client.send(resultPath({ sql: "SELECT 123456" }), { headers: only }), {
        status: 504,
        code: "not_cached",
      });
    });
  });

  describe("are never made", () => {
    const volatile = [
      "SELECT now()",
      "SELECT current_timestamp",
      "SELECT current_date",
      "SELECT current_time",
      "SELECT random()",
      "SELECT uuid()",
      "SELECT 1 AS one WHERE EXISTS (SELECT random() > 2)",
      "SELECT value FROM generate_series(1, 3) ORDER BY random()",
      "WITH w AS (SELECT now() AS t) SELECT count(*) FROM w",
      "SELECT (SELECT max(date_part('year', now())) FROM generate_series(1, 2)) AS year",
      "SELECT count(*) FILTER (WHERE random() < 0.5) AS n FROM generate_series(1, 9)",
      "SELECT sum(random()) OVER () AS n FROM generate_series(1, 9)",
      "SELECT table_name FROM information_schema.tables",
      "SHOW TABLES",
      "EXPLAIN SELECT 1",
    ];
    for (const statement of volatile) {
      it(`of ${statement}`, async () => {
        const before = files().length;
        for (let turn = 0; turn < 2; turn++) {
          const { use, cache } = await ask(statement);
          assert.equal(use, "fwd=bypass");
          assert.ok(cache.reason, "it says why");
        }
        assert.equal(files().length, before);
      });
    }

    it("of what failed, also on the way", async () => {
      const before = files();
      const late = "SELECT 1 / (400000 - value) AS x FROM generate_series(1, 400000)";
      for (let turn = 0; turn < 2; turn++) {
        assertProblem(await server.client.query("SELECT 1 / (value - 1) AS x FROM generate_series(1, 3)"), {
          status: 422,
          code: "arithmetic_error",
        });
        for (const format of formats) {
          const { status, complete, headers } = await exchange(server.url + resultPath({ sql: late, format }));
          assert.ok(status === 422 || !complete, `${format}: ${status}`);
          assert.notEqual(headers["cache-status"], "lakegate; hit");
        }
      }
      assert.deepEqual(files(), before);
    });

    it("of what was cancelled, or whose client left", async () => {
      const before = files();
      const asked = server.client.query(endless);
      const { query_id } = await running();
      await server.client.send(`/v1/queries/${query_id}`, { method: "DELETE" });
      assertProblem(await asked, { status: 409, code: "query_canceled" });
      const large = "SELECT value, value + 1 AS next FROM generate_series(1, 5000000)";
      const response = await respond(server.url + resultPath({ sql: large, format: "csv" }));
      response.destroy();
      const status = async () => {
        const found = await server.client.send(`/v1/queries/${response.headers["query-id"]}`);
        return found.as<QueryStatus>().status;
      };
      while ((await status()) === "RUNNING") await pause(10);
      assert.equal(await status(), "CANCELED");
      while (files().some((name) => name.startsWith(".unfinished"))) await pause(10);
      assert.deepEqual(files(), before);
    });
  });

  describe("of equal queries at the same time", () => {
    it("are computed once", async () => {
      const before = await cacheReport();
      const answers = await Promise.all(Array.from({ length: 32 }, () => ask(slow(1))));
      assert.equal(new Set(answers.map((answer) => JSON.stringify(answer.data))).size, 1);
      const tally = answers.map(({ use }) => use).sort();
      assert.deepEqual(tally, [...Array(31).fill("fwd=uri-miss; collapsed"), "fwd=uri-miss"].sort());
      const { uses } = await cacheReport();
      assert.deepEqual(
        [uses.miss, uses.hit].map((count, at) => Number(count) - Number([before.uses.miss, before.uses.hit][at])),
        [1, 31],
      );
    });

    it("are computed by one of the others when the first client leaves", async () => {
      const leader = respond(`${server.url}/v1/queries`, { method: "POST", headers: sql, body: slow(2) }).catch(
        () => null,
      );
      const { query_id } = await running();
      const others = Array.from({ length: 8 }, () => ask(slow(2)));
      while ((await cacheReport()).uses === undefined) await pause(1);
      await waiting(8);
      await server.client.send(`/v1/queries/${query_id}`, { method: "DELETE" });
      const answers = await Promise.all(others);
      await leader;
      const tally = answers.map(({ use }) => use).sort();
      assert.deepEqual(tally, [...Array(7).fill("fwd=uri-miss; collapsed"), "fwd=uri-miss"].sort());
    });

    it("fail each by itself", async () => {
      const fails = { sql: `SELECT 1 / (n - n) AS x FROM (${slow(3, 4000)})`, wait_timeout_ms: 60_000 };
      const answers = await Promise.all(Array.from({ length: 6 }, () => server.client.query(fails)));
      for (const answer of answers) assertProblem(answer, { status: 422, code: "arithmetic_error" });
    });

    it("don't wait for one whose reader is slow", async () => {
      const large = "SELECT value, 'row ' || CAST(value AS VARCHAR) AS text FROM generate_series(1, 1500000)";
      const lazy = (await respond(`${server.url}/v1/queries`, { method: "POST", headers: sql, body: large })).pause();
      const { row_count } = (await exchange(`${server.url}/v1/queries`, { method: "POST", headers: sql, body: large }))
        .complete
        ? await statusOf(lazy)
        : { row_count: -1 };
      assert.ok(row_count >= 0 && row_count < 1_500_000, `${row_count} rows`);
      lazy.destroy();
    });

    /** Resolves when so many queries haven't begun. */
    const waiting = async (count: number) => {
      for (;;) {
        const { items } = (await server.client.send("/v1/queries?status=PENDING")).as<QueryList>();
        const { items: begun } = (await server.client.send("/v1/queries?status=RUNNING")).as<QueryList>();
        if (items.length + begun.length > count) return;
        await pause(10);
      }
    };
    const statusOf = async ({ headers }: IncomingMessage) =>
      (await server.client.send(`/v1/queries/${headers["query-id"]}`)).as<QueryStatus>();
  });

  describe("in another format", () => {
    const statements = {
      "all types": `SELECT * FROM (${everything}) ORDER BY int8`,
      "many rows":
        "SELECT value, md5(CAST(value AS VARCHAR)) AS digest, value % 7 = 0 AS seventh FROM generate_series(1, 20000) ORDER BY value",
      "no rows": "SELECT value FROM generate_series(1, 3) WHERE value > 3",
    };
    for (const [what, statement] of Object.entries(statements)) {
      it(`are the bytes of a fresh computation: ${what}`, async () => {
        const get = async (selection: object, headers: Record<string, string> = {}) => {
          const answer = await exchange(server.url + resultPath({ sql: statement, ...selection }), { headers });
          assert.ok(answer.status === 200 && answer.complete, answer.bytes.toString().slice(0, 300));
          return answer;
        };
        const wanted = formats.flatMap((format) => stylesOf(format).map((style) => ({ format, ...style })));
        const fresh = new Map<object, Buffer>();
        for (const selection of wanted)
          fresh.set(selection, (await get(selection, { "cache-control": "no-store" })).bytes);
        for (const computed of formats) {
          await server.client.send("/v1/cache", { method: "DELETE" });
          await get({ format: computed });
          for (const selection of wanted) {
            const answer = await get(selection);
            const label = `${JSON.stringify(selection)}, computed as ${computed}`;
            assert.equal(answer.headers["cache-status"], "lakegate; hit", label);
            assert.ok(fresh.get(selection)?.equals(answer.bytes), label);
          }
        }
      });
    }

    it("are found by POST in every style", async () => {
      const statement = "SELECT 9007199254740993 AS big, CAST('1.50' AS DECIMAL(5, 2)) AS price, [1, NULL] AS list";
      const ownless = ({ text }: Answer) => text.replace(/"(query_id|cache|stats)":("[^"]*"|\{[^{}]*\}),?/g, "");
      for (const style of styles) {
        const request = { sql: statement, ...style };
        const fresh = await server.client.query(request, { "cache-control": "no-store" });
        for (let turn = 0; turn < 2; turn++) {
          const kept = await server.client.query(request);
          assert.equal(ownless(kept), ownless(fresh), JSON.stringify(style));
        }
        assert.equal(cacheUse(await server.client.query(request)), "hit");
      }
    });
  });

  describe("as a whole", () => {
    it("are counted, and removed by table or all", async () => {
      const [left, right] = [await tables.table(), await tables.table()];
      await server.client.send("/v1/cache", { method: "DELETE" });
      const empty = await cacheReport();
      assert.deepEqual([empty.entries, empty.bytes, empty.memory_entries, empty.memory_bytes], [0, 0, 0, 0]);
      assert.deepEqual(files(), []);
      const requests = [left, right, `${left} NATURAL JOIN ${right}`].map(
        (from) => `SELECT count(*) AS n FROM ${from}`,
      );
      for (const request of requests) await ask(request);
      const full = await cacheReport();
      assert.equal(full.entries, 3);
      assert.ok(full.bytes > 0 && full.bytes < full.limit_bytes && full.memory_entries > 0);
      const remove = async (path: string) => (await server.client.send(path, { method: "DELETE" })).as<CacheEviction>();
      assert.equal((await remove(`/v1/cache?table=${left}`)).entries, 2);
      assert.deepEqual(await Promise.all(requests.map((request) => uses(request))), [
        "fwd=uri-miss",
        "hit",
        "fwd=uri-miss",
      ]);
      const { bytes } = await cacheReport();
      assert.deepEqual(await remove("/v1/cache"), { entries: 3, bytes });
      assert.deepEqual([(await cacheReport()).entries, files()], [0, []]);
      assert.deepEqual(await remove("/v1/cache"), { entries: 0, bytes: 0 });
      const wrong = await server.client.send("/v1/cache?name=x", { method: "DELETE" });
      assertProblem(wrong, { status: 400, code: "invalid_request" });
    });

    it("are there after a restart, under the same tags", async () => {
      const table = await tables.table();
      const selection = { sql: `SELECT * FROM ${table} ORDER BY id`, format: "csv" };
      const get = () => exchange(server.url + resultPath(selection));
      const before = await get();
      await server.stop();
      server = await start();
      const found = await get();
      assert.equal(found.headers["cache-status"], "lakegate; hit");
      assert.equal(found.headers.etag, before.headers.etag);
      assert.ok(found.bytes.equals(before.bytes));
      await server.stop();
      await writeTable(warehouse, table, [{ mode: "append", sql: "SELECT 4 AS id, 'ORD' AS origin, 4 AS delay" }]);
      server = await start();
      const changed = await get();
      assert.equal(changed.headers["cache-status"], "lakegate; fwd=uri-miss");
      assert.match(changed.bytes.toString(), /4,ORD,4/);
    });
  });

  describe("in little room", () => {
    let small: TestServer;
    const folder = temporaryFolder();
    const rows = (seed: number) => ({ sql: `SELECT value + ${seed} AS n FROM generate_series(1, 2400)` });
    const only = (seed: number) =>
      small.client.query(rows(seed), { "cache-control": "only-if-cached" }).then(({ status }) => status === 200);

    before(async () => {
      small = await startServer({
        warehouse,
        state: folder,
        environment: { LAKEGATE_RESULT_DISK: "100KiB", LAKEGATE_RESULT_MEMORY: "0" },
      });
    });
    after(async () => {
      await small.stop();
      rmSync(folder, { recursive: true });
    });

    it("go when others need the room, the least recently used first", async () => {
      for (const seed of [1, 2, 3, 4, 5]) assert.equal((await small.client.query(rows(seed))).status, 200);
      assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map(only)), [true, true, true, true, true]);
      assert.ok(await only(1), "the oldest is used");
      assert.equal((await small.client.query(rows(6))).status, 200);
      assert.deepEqual([await only(2), await only(1), await only(6)], [false, true, true]);
      const { bytes, limit_bytes } = (await small.client.send("/v1/cache")).as<CacheReport>();
      assert.ok(bytes <= limit_bytes);
      assert.ok(readdirSync(join(folder, "results")).length <= 6);
    });

    it("are not made of what takes more than a quarter", async () => {
      const large = "SELECT value FROM generate_series(1, 20000)";
      const before = readdirSync(join(folder, "results"));
      for (let turn = 0; turn < 2; turn++) {
        const answer = await small.client.query(large);
        assert.deepEqual([answer.status, cacheUse(answer)], [200, turn === 0 ? "fwd=uri-miss" : "fwd=uri-miss"]);
        assert.equal(answer.as<QueryAnswer>().row_count, 20_000);
      }
      assert.deepEqual(readdirSync(join(folder, "results")).sort(), before.sort());
    });

    it("are right while many come and go", async () => {
      const turns = Array.from({ length: 300 }, (_, turn) => turn % 23);
      const patient = (seed: number) => small.client.query({ ...rows(seed), wait_timeout_ms: 60_000 });
      const answers = await Promise.all(turns.map(async (seed) => [seed, await patient(seed)] as const));
      for (const [seed, answer] of answers) {
        assert.equal(answer.status, 200, answer.text);
        const { data } = answer.as<QueryAnswer>();
        assert.deepEqual([data.length, data[0]], [2400, { n: 1 + seed }]);
      }
    });
  });
});
