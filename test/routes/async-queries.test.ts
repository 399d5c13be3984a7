/** Queries that go on without their client: how long it waits, how they stand, and their results later. */
import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { decode } from "@msgpack/msgpack";
import { tableFromIPC } from "apache-arrow";
import type { QueryAcceptance, QueryAnswer, QueryList, QueryStatus } from "../../schemas/generated/index.js";
import { killServer } from "../faults/killed.js";
import type { Answer, Client } from "../fixture/client.js";
import { exchange, respond } from "../fixture/exchange.js";
import { assertProblem } from "../fixture/problem.js";
import { cacheUse, formats } from "../fixture/results.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { rowTypes } from "../fixture/writing.js";

const endless =
  "SELECT count(*) AS n FROM generate_series(1, 3000000) a JOIN generate_series(1, 3000000) b ON a.value <> b.value";
const slow = (seed: number) =>
  `SELECT count(*) + ${seed} AS n FROM generate_series(1, 7000) a JOIN generate_series(1, 7000) b ON a.value <> b.value`;
const numbers = "SELECT value AS n, 'row ' || CAST(value AS VARCHAR) AS text FROM generate_series(1, 20000) ORDER BY n";

async function accepted(client: Client, request: object, headers: Record<string, string> = {}) {
  const answer = await client.query({ wait_timeout_ms: 0, ...request }, headers);
  assert.equal(answer.status, 202, answer.text);
  return answer.as<QueryAcceptance>();
}

async function statusOf(client: Client, id: string): Promise<QueryStatus> {
  return (await client.send(`/v1/queries/${id}`)).as<QueryStatus>();
}

async function ended(client: Client, id: string): Promise<QueryStatus> {
  for (;;) {
    const status = await statusOf(client, id);
    if (status.status !== "PENDING" && status.status !== "RUNNING") return status;
    await pause(10);
  }
}

function resultOf(client: Client, id: string, selection = "", headers: Record<string, string> = {}): Promise<Answer> {
  return client.send(`/v1/queries/${id}/result${selection}`, { headers });
}

describe("queries without their client", () => {
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const ask = (request: object, headers: Record<string, string> = {}) => server.client.query(request, headers);
  const done = async (request: object, headers: Record<string, string> = {}) => {
    const { query_id } = await accepted(server.client, request, headers);
    assert.equal((await ended(server.client, query_id)).status, "SUCCEEDED");
    return query_id;
  };

  describe("wait", () => {
    it("not at all where that is asked for", async () => {
      const answer = await ask({ sql: slow(1), wait_timeout_ms: 0, labels: { of: "a test" } });
      assert.equal(answer.status, 202, answer.text);
      const { query_id, status, ...urls } = answer.as<QueryAcceptance>();
      assert.ok(status === "PENDING" || status === "RUNNING", status);
      const status_url = `/v1/queries/${query_id}`;
      assert.deepEqual(urls, { status_url, result_url: `${status_url}/result` });
      assert.equal(answer.headers.get("location"), status_url);
      assert.equal(answer.headers.get("query-id"), query_id);
      assert.equal(answer.headers.get("retry-after"), "1");
      const last = await ended(server.client, query_id);
      assert.deepEqual([last.status, last.row_count, last.labels.of], ["SUCCEEDED", 1, "a test"]);
      assert.ok(last.finished_at && last.finished_at >= last.created_at);
      const result = await resultOf(server.client, query_id);
      assert.equal(result.status, 200, result.text);
      assert.deepEqual(result.as<QueryAnswer>().data, [{ n: 7000 * 6999 + 1 }]);
      assert.equal(result.as<QueryAnswer>().query_id, query_id);
    });

    it("as long as the body says, and no longer for those that are quick", async () => {
      assert.equal((await ask({ sql: endless, wait_timeout_ms: 20, timeout_ms: 2000 })).status, 202);
      assert.equal((await ask({ sql: "SELECT 1 AS one", wait_timeout_ms: 60_000 })).status, 200);
    });

    it("as Prefer says, before the body", async () => {
      const wait = async (prefer: string, request: object = {}) => {
        const { status, headers } = await ask({ sql: endless, timeout_ms: 3000, ...request }, { prefer });
        return [status, headers.get("preference-applied")];
      };
      assert.deepEqual(await wait("respond-async"), [202, "respond-async"]);
      assert.deepEqual(await wait("wait=0"), [202, "wait=0"]);
      assert.deepEqual(await wait("wait=1", { wait_timeout_ms: 60_000 }), [202, "wait=1"]);
      assert.deepEqual(await wait('return=minimal, wait="1"; x=y'), [202, "wait=1"]);
      assert.deepEqual(await wait("respond-async, wait=1"), [202, "wait=1"]);
      assert.deepEqual(await wait("respond-asynchronously", { wait_timeout_ms: 0 }), [202, null]);
      const quick = await ask({ sql: "SELECT 1 AS one", wait_timeout_ms: 0 }, { prefer: "wait=30" });
      assert.deepEqual([quick.status, quick.headers.get("preference-applied")], [200, "wait=30"]);
    });

    it("and then cancel, where that is asked for", async () => {
      const answer = await ask({ sql: endless, wait_timeout_ms: 50, on_wait_timeout: "cancel" });
      assertProblem(answer, { status: 504, code: "query_timeout" });
      const { status, error } = await ended(server.client, answer.headers.get("query-id") ?? "");
      assert.deepEqual([status, error?.code], ["CANCELED", "query_canceled"]);
      const never = await ask({ sql: endless, wait_timeout_ms: 0, on_wait_timeout: "cancel" });
      assertProblem(never, { status: 504, code: "query_timeout" });
    });

    it("is refused where it makes no sense", async () => {
      for (const wrong of [{ wait_timeout_ms: -1 }, { wait_timeout_ms: 1e9 }, { on_wait_timeout: "stop" }])
        assertProblem(await ask({ sql: "SELECT 1", ...wrong }), { status: 400, code: "invalid_request" });
    });
  });

  describe("go on", () => {
    it("although the connection is closed", async () => {
      const body = JSON.stringify({ sql: slow(2), wait_timeout_ms: 0 });
      const headers = { "content-type": "application/json", connection: "close" };
      const { bytes } = await exchange(`${server.url}/v1/queries`, { method: "POST", headers, body });
      const { query_id } = JSON.parse(bytes.toString()) as QueryAcceptance;
      assert.equal((await ended(server.client, query_id)).status, "SUCCEEDED");
    });

    it("but end when their client leaves before it is told", async () => {
      const body = JSON.stringify({ sql: endless, wait_timeout_ms: 60_000, labels: { leaves: "early" } });
      const headers = { "content-type": "application/json" };
      const controller = new AbortController();
      const leaving = fetch(`${server.url}/v1/queries`, { method: "POST", headers, body, signal: controller.signal });
      const mine = async () =>
        (await server.client.send("/v1/queries")).as<QueryList>().items.find(({ labels }) => labels.leaves === "early");
      while ((await mine())?.status !== "RUNNING") await pause(10);
      controller.abort();
      await assert.rejects(leaving);
      while ((await mine())?.status === "RUNNING") await pause(10);
      assert.equal((await mine())?.status, "CANCELED");
    });

    it("until they are cancelled", async () => {
      const { query_id, result_url } = await accepted(server.client, { sql: endless });
      assertProblem(await server.client.send(result_url), { status: 409, code: "result_not_ready" });
      const canceled = await server.client.send(`/v1/queries/${query_id}`, { method: "DELETE" });
      assert.equal(canceled.as<QueryStatus>().status, "CANCELED");
      assertProblem(await server.client.send(result_url), { status: 409, code: "query_canceled" });
    });

    it("and fail with an answer of their own", async () => {
      const failures: [object, number, string, object?][] = [
        [{ sql: "SELECT 1 / (value - 5) AS x FROM generate_series(1, 9)" }, 422, "arithmetic_error"],
        [{ sql: "SELECT *\nFROM nowhere" }, 422, "unknown_table", { line: 2, column: 6 }],
        [{ sql: "SELEC 1" }, 422, "invalid_sql"],
        [{ sql: "DROP TABLE flights" }, 403, "statement_not_allowed"],
        [{ sql: "SELECT $1" }, 422, "parameter_missing"],
        [{ sql: endless, timeout_ms: 50 }, 504, "query_timeout"],
        [{ sql: "SELECT 'never'", cache: { only_if_cached: true } }, 504, "not_cached"],
      ];
      for (const [request, status, code, location] of failures) {
        const { query_id } = await accepted(server.client, request);
        const failed = await ended(server.client, query_id);
        assert.deepEqual([failed.status, failed.error?.code], ["FAILED", code]);
        const problem = await resultOf(server.client, query_id);
        assertProblem(problem, { status, code: code as "internal" });
        const direct = await ask({ ...request, wait_timeout_ms: 60_000 });
        assert.equal(direct.status, status, "as when it is waited for");
        if (location) assert.deepEqual(problem.as<{ location: object }>().location, location);
      }
    });

    it("whatever is done for their results", async () => {
      const kept = { sql: "SELECT 'kept' AS x" };
      const requests: [object, string][] = [
        [kept, "miss"],
        [kept, "hit"],
        [{ ...kept, cache: { no_cache: true } }, "refresh"],
        [{ ...kept, cache: { no_store: true } }, "bypass"],
        [{ sql: "SELECT 'kept' AS x, now() > DATE '2000-01-01' AS late" }, "bypass"],
        [{ ...kept, byte_limit: 1000 }, "bypass"],
      ];
      for (const format of formats)
        for (const [request, use] of requests) {
          const id = await done(request, { accept: rowTypes[format] });
          const { cache } = await statusOf(server.client, id);
          if (format === "json") assert.equal(cache?.status, use);
          const { data } = (await resultOf(server.client, id)).as<QueryAnswer>();
          assert.equal((data[0] as { x: string }).x, "kept", `${format}, ${use}`);
        }
    });

    it("as one, where they are equal", async () => {
      const running = ask({ sql: slow(3), wait_timeout_ms: 60_000 });
      const others = await Promise.all([1, 2, 3].map(() => done({ sql: slow(3) })));
      const expected = (await running).as<QueryAnswer>().data;
      for (const id of others) assert.deepEqual((await resultOf(server.client, id)).as<QueryAnswer>().data, expected);
      const uses = await Promise.all(others.map(async (id) => (await statusOf(server.client, id)).cache?.status));
      assert.ok(uses.filter((use) => use === "miss").length + Number(cacheUse(await running) === "fwd=uri-miss") === 1);
    });
  });

  describe("leave a result", () => {
    let id = "";

    before(async () => {
      id = await done({ sql: numbers });
    });

    const rowsIn: Readonly<Record<(typeof formats)[number], (answer: Answer) => number[]>> = {
      json: (answer) => answer.as<QueryAnswer>().data.map((row) => (row as { n: number }).n),
      ndjson: ({ text }) =>
        text
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line).n),
      csv: ({ text }) =>
        text
          .trim()
          .split("\r\n")
          .slice(1)
          .map((line) => Number(line.split(",")[0])),
      arrow: ({ bytes }) =>
        tableFromIPC(bytes)
          .toArray()
          .map((row) => Number(row.n)),
      parquet: () => [],
      msgpack: ({ bytes }) => (decode(bytes) as QueryAnswer).data.map((row) => (row as { n: number }).n),
    };

    for (const format of formats) {
      it(`that is read in pages, as ${format}`, async () => {
        const page = async (selection: string) => {
          const answer = await resultOf(server.client, id, selection, { accept: rowTypes[format] });
          assert.equal(answer.status, 200, answer.text);
          assert.equal(answer.headers.get("content-type")?.split(";")[0], rowTypes[format]);
          assert.equal(answer.headers.get("query-id"), id);
          return answer;
        };
        const assertPage = async (selection: string, from: number, to: number, more: boolean) => {
          const answer = await page(selection);
          const expected = Array.from({ length: Math.max(to - from, 0) }, (_, index) => from + index + 1);
          if (format !== "parquet") assert.deepEqual(rowsIn[format](answer), expected, selection);
          else assert.ok(answer.bytes.includes("PAR1"));
          const { headers } = await exchange(`${server.url}/v1/queries/${id}/result${selection}`, {
            headers: { accept: rowTypes[format] },
          });
          const count = headers["query-row-count"];
          if (count !== undefined)
            assert.deepEqual([count, headers["query-truncated"]], [String(expected.length), String(more)]);
          else assert.ok(expected.length > 500, `${selection}: a short page says its count`);
        };
        await assertPage("", 0, 20_000, false);
        await assertPage("?limit=10", 0, 10, true);
        await assertPage("?offset=5&limit=1", 5, 6, true);
        await assertPage("?offset=8190&limit=5", 8190, 8195, true);
        await assertPage("?offset=19990", 19_990, 20_000, false);
        await assertPage("?offset=19990&limit=10", 19_990, 20_000, false);
        await assertPage("?offset=19990&limit=9", 19_990, 19_999, true);
        await assertPage("?offset=20000", 20_000, 20_000, false);
        await assertPage("?offset=99999999&limit=5", 0, 0, false);
        await assertPage("?limit=0", 0, 0, true);
        await assertPage("?offset=3&limit=15000", 3, 15_003, true);
      });
    }

    it("that is whole when its pages are put together", async () => {
      const all: unknown[] = [];
      for (let offset = 0; offset < 20_000; offset += 3333) {
        const { data } = (await resultOf(server.client, id, `?offset=${offset}&limit=3333`)).as<QueryAnswer>();
        all.push(...data);
      }
      assert.deepEqual(all, (await resultOf(server.client, id)).as<QueryAnswer>().data);
    });

    it("in the style that is asked for", async () => {
      const { data } = (
        await resultOf(server.client, id, "?limit=1&numbers=string&row_format=array")
      ).as<QueryAnswer>();
      assert.deepEqual(data, [["1", "row 1"]]);
      const wrong = await resultOf(server.client, id, "?offset=-1");
      assertProblem(wrong, { status: 400, code: "invalid_request" });
      assertProblem(await resultOf(server.client, id, "", { accept: "image/png" }), {
        status: 406,
        code: "not_acceptable",
      });
    });

    it("also when they were waited for", async () => {
      const { query_id, data } = (await ask({ sql: "SELECT 'again' AS x" })).as<QueryAnswer>();
      assert.deepEqual((await resultOf(server.client, query_id)).as<QueryAnswer>().data, data);
      const gone = await ask({ sql: "SELECT random() AS x" });
      const { query_id: volatile } = gone.as<QueryAnswer>();
      assertProblem(await resultOf(server.client, volatile), { status: 410, code: "result_expired" });
      assertProblem(await resultOf(server.client, "nothing"), { status: 404, code: "query_not_found" });
    });

    it("until the cache is emptied", async () => {
      const volatile = await done({ sql: "SELECT random() AS x" });
      const ids = [await done({ sql: "SELECT 'emptied' AS x" }), volatile];
      for (const each of ids) assert.equal((await resultOf(server.client, each)).status, 200);
      await server.client.send("/v1/cache", { method: "DELETE" });
      for (const each of ids) {
        assert.equal((await statusOf(server.client, each)).status, "EXPIRED");
        assertProblem(await resultOf(server.client, each), { status: 410, code: "result_expired" });
      }
      const { items } = (await server.client.send("/v1/queries?status=EXPIRED")).as<QueryList>();
      assert.ok(ids.every((each) => items.some(({ query_id }) => query_id === each)));
    });
  });
});

describe("queries without their client, over time", () => {
  const state = temporaryFolder();
  const start = (environment: Record<string, string> = {}) => startServer({ state, environment });
  let server: TestServer;

  before(async () => {
    server = await start({ LAKEGATE_RESULT_DISK: "400KiB", LAKEGATE_HISTORY: "20", LAKEGATE_RESULT_TTL_MS: "2500" });
  });
  after(async () => {
    await server.stop();
    rmSync(state, { recursive: true });
  });

  const documents = () => readdirSync(join(state, "queries"));
  const files = () => readdirSync(join(state, "results"));

  it("expire, however their result was read before", async () => {
    const { query_id } = await accepted(server.client, { sql: "SELECT random() AS x" });
    assert.equal((await ended(server.client, query_id)).status, "SUCCEEDED");
    for (let turn = 0; turn < 2; turn++) assert.equal((await resultOf(server.client, query_id)).status, 200);
    while ((await statusOf(server.client, query_id)).status === "SUCCEEDED") await pause(50);
    assert.equal((await statusOf(server.client, query_id)).status, "EXPIRED");
    assertProblem(await resultOf(server.client, query_id), { status: 410, code: "result_expired" });
    await server.client.send("/v1/cache");
    assert.deepEqual(
      files().filter((name) => name.includes(query_id)),
      [],
      "its file is gone",
    );
  });

  it("have no result where that takes too much room", async () => {
    const { query_id } = await accepted(server.client, { sql: "SELECT value FROM generate_series(1, 50000)" });
    assert.equal((await ended(server.client, query_id)).status, "EXPIRED");
    assertProblem(await resultOf(server.client, query_id), { status: 410, code: "result_expired" });
  });

  it("are forgotten when there are many", async () => {
    const ids: string[] = [];
    for (let count = 0; count < 30; count++) {
      const { query_id } = await accepted(server.client, { sql: `SELECT ${count} AS x` });
      await ended(server.client, query_id);
      ids.push(query_id);
    }
    const { items } = (await server.client.send("/v1/queries?limit=100")).as<QueryList>();
    assert.deepEqual(
      items.map(({ query_id }) => query_id),
      ids.slice(-20).reverse(),
    );
    assertProblem(await server.client.send(`/v1/queries/${ids[0]}`), { status: 404, code: "query_not_found" });
    while (documents().length > 20) await pause(20);
    assert.deepEqual(
      documents().sort(),
      ids
        .slice(-20)
        .map((id) => `${id}.json`)
        .sort(),
    );
  });

  it("are known after a restart, and what then ran has failed", async () => {
    const finished = await accepted(server.client, { sql: "SELECT 'before' AS x, random() AS y" });
    await ended(server.client, finished.query_id);
    const rows = (await resultOf(server.client, finished.query_id)).as<QueryAnswer>().data;
    const failed = await accepted(server.client, { sql: "SELECT 1 / (value - 5) AS x FROM generate_series(1, 9)" });
    await ended(server.client, failed.query_id);
    const running = await accepted(server.client, { sql: endless });
    while ((await statusOf(server.client, running.query_id)).status !== "RUNNING") await pause(10);
    while (documents().some((name) => !name.endsWith(".json"))) await pause(10);
    await killServer(server);
    writeFileSync(join(state, "queries", "unfinished.json.1234567890"), "{");
    server = await start();
    const found = await resultOf(server.client, finished.query_id);
    assert.deepEqual([found.status, found.as<QueryAnswer>().data], [200, rows]);
    assertProblem(await resultOf(server.client, failed.query_id), { status: 422, code: "arithmetic_error" });
    const { status, error } = await statusOf(server.client, running.query_id);
    assert.deepEqual([status, error?.code], ["FAILED", "service_unavailable"]);
    assert.match(error?.message ?? "", /stopped while the query ran/);
    const problem = await resultOf(server.client, running.query_id);
    assertProblem(problem, { status: 503, code: "service_unavailable" });
    const { items } = (await server.client.send("/v1/queries")).as<QueryList>();
    assert.deepEqual(
      items.slice(0, 3).map(({ query_id }) => query_id),
      [running, failed, finished].map(({ query_id }) => query_id),
    );
    assert.deepEqual(
      documents().filter((name) => !name.endsWith(".json")),
      [],
    );
  });

  it("are cancelled when the service stops, and say so after it", async () => {
    const { query_id } = await accepted(server.client, { sql: endless });
    while ((await statusOf(server.client, query_id)).status !== "RUNNING") await pause(10);
    assert.equal(await server.stop(), 0);
    server = await start();
    const { status, error } = await statusOf(server.client, query_id);
    assert.ok(status === "CANCELED" || (status === "FAILED" && error?.code === "service_unavailable"), status);
  });

  it("are not streams that nobody reads", async () => {
    const response = await respond(`${server.url}/v1/queries`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sql: "SELECT value FROM generate_series(1, 5000000)", wait_timeout_ms: 60_000 }),
    });
    const id = String(response.headers["query-id"]);
    assertProblem(await resultOf(server.client, id), { status: 409, code: "result_not_ready" });
    response.destroy();
    assert.equal((await ended(server.client, id)).status, "CANCELED");
    assertProblem(await resultOf(server.client, id), { status: 409, code: "query_canceled" });
  });
});
