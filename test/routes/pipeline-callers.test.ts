/** Runs of pipelines for callers with keys: what these may name and have holds for every node. */
import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { PipelineRun, QueryList } from "../../schemas/generated/index.js";
import { testWarehouse } from "../../setup/places.mjs";
import type { Answer } from "../fixture/client.js";
import { bearer, startGuarded } from "../fixture/keys.js";
import { nodeOf } from "../fixture/pipelines.js";
import { assertProblem } from "../fixture/problem.js";
import { temporaryFolder } from "../fixture/server.js";

const scopes = ["read", "write"] as const;
const long = "SELECT count(*) AS n FROM generate_series(1, 100000) a, generate_series(1, 100000) b";

describe("runs for callers with keys", () => {
  const warehouse = temporaryFolder();
  let server: Awaited<ReturnType<typeof startGuarded<"all" | "few" | "short" | "small" | "some">>>;

  before(async () => {
    cpSync(testWarehouse, warehouse, { recursive: true });
    server = await startGuarded(
      {
        all: { scopes: ["read", "write", "admin"] },
        few: { scopes: [...scopes], terms: { row_limit: 3 } },
        short: { scopes: [...scopes], terms: { timeout_ms: 300 } },
        small: { scopes: [...scopes], terms: { memory_bytes: 1 << 20 } },
        some: { scopes: [...scopes], terms: { visible: ["p_*", "airports", "open_*"] }, concurrent_queries: 1 },
      },
      { warehouse },
    );
  });
  after(async () => {
    await server.stop();
    for (const folder of [server.state, warehouse]) rmSync(folder, { recursive: true, force: true });
  });

  const post = (key: string, path: string, body: unknown, method = "POST", more = {}): Promise<Answer> =>
    server.client.sendJson(path, body, { method, headers: { ...bearer(key), ...more } });
  const made = async (name: string, nodes: readonly object[], config = {}) => {
    const pipeline = { modules: [{ name: "core", nodes }], config };
    const answer = await post(server.keys.all, `/v1/pipelines/${name}`, pipeline, "PUT");
    assert.ok(answer.status < 300, answer.text);
  };
  const started = (key: string, name: string, request = {}) =>
    post(key, `/v1/pipelines/${name}/runs`, request, "POST", { prefer: "wait=60" });
  const run = async (key: string, name: string, request = {}): Promise<PipelineRun> => {
    const answer = await started(key, name, request);
    assert.equal(answer.status, 200, answer.text);
    return answer.as<PipelineRun>();
  };
  const failure = async (key: string, name: string) => {
    const { status, error } = await run(key, name);
    return [status, error?.code];
  };

  it("have no more rows than the key may have, also of those that others have computed", async () => {
    const { all, few } = server.keys;
    const nodes = (limit: number) => [{ name: "listed", sql: `SELECT iata FROM airports LIMIT ${limit}` }];
    await made("p_rows", nodes(4));
    assert.deepEqual(await failure(few, "p_rows"), ["FAILED", "result_too_large"]);
    const whole = await run(all, "p_rows");
    assert.deepEqual([nodeOf(whole, "listed").cache, nodeOf(whole, "listed").rows], ["miss", 4]);
    assert.deepEqual(await failure(few, "p_rows"), ["FAILED", "result_too_large"]);
    await made("p_rows", nodes(3));
    assert.equal(nodeOf(await run(few, "p_rows"), "listed").rows, 3);
  });

  it("end with the time and the memory of the key, whatever the pipeline allows", async () => {
    const { short, small } = server.keys;
    await made("p_long", [{ name: "long", sql: long }], { timeout_ms: 60_000 });
    assert.deepEqual(await failure(short, "p_long"), ["FAILED", "query_timeout"]);
    await made("p_large", [{ name: "large", sql: "SELECT origin, array_agg(date) AS d FROM flights GROUP BY origin" }]);
    assert.deepEqual(await failure(small, "p_large"), ["FAILED", "memory_exceeded"]);
  });

  it("read and write what the key may name, and nothing else", async () => {
    const { all, some } = server.keys;
    const view = { sql: "SELECT symbol FROM stocks" };
    assert.equal((await post(all, "/v1/views/open_symbols", view, "PUT")).status, 201);
    await made("p_mixed", [
      { name: "inner_rows", sql: "SELECT iata FROM airports", cache: "disable" },
      { name: "hidden_name", sql: "SELECT count(*) AS n FROM inner_rows" },
      { name: "through", sql: "SELECT count(*) AS n FROM open_symbols, hidden_name" },
      { name: "written", sql: "SELECT n FROM through", materialize: { table: "open_counts" } },
    ]);
    assert.equal((await run(some, "p_mixed")).status, "SUCCEEDED");
    await made("p_closed", [{ name: "closed", sql: "SELECT symbol FROM stocks" }]);
    const closed = assertProblem(await started(some, "p_closed"), { status: 422, code: "invalid_entry" });
    assert.match(JSON.stringify(closed.errors), /There is no table 'stocks'/);
    assert.equal((await run(all, "p_closed")).status, "SUCCEEDED");
    await made("p_taken", [{ name: "taken", sql: "SELECT 1 AS one", materialize: { table: "closed_counts" } }]);
    assertProblem(await started(some, "p_taken"), { status: 404, code: "table_not_found" });
    const overrides = { inner_rows: { sql: "SELECT symbol AS iata FROM stocks" } };
    await made("p_open", [{ name: "inner_rows", sql: "SELECT iata FROM airports", overridable: true }]);
    assertProblem(await started(some, "p_open", { overrides }), { status: 422, code: "invalid_entry" });
    assert.equal((await run(all, "p_open", { overrides })).status, "SUCCEEDED");
  });

  it("are queries of their caller, and retried for who asks", async () => {
    const { all, few, some } = server.keys;
    const listed = async (key: string) => {
      const answer = await server.client.send("/v1/queries?limit=100", { headers: bearer(key) });
      return answer.as<QueryList>().items.map(({ query_id }) => query_id);
    };
    await made("p_own", [{ name: "listed", sql: "SELECT iata, 'own' AS mark FROM airports LIMIT 4" }]);
    const failed = await run(few, "p_own");
    assert.deepEqual([failed.status, failed.error?.code], ["FAILED", "result_too_large"]);
    const retried = await post(all, `/v1/pipelines/p_own/runs/${failed.run_id}/retry`, {});
    assert.equal(retried.status, 202, retried.text);
    let ended = failed;
    while (ended.attempts < 2 || !["SUCCEEDED", "FAILED"].includes(ended.status)) {
      const path = `/v1/pipelines/p_own/runs/${failed.run_id}`;
      ended = (await server.client.send(path, { headers: bearer(all) })).as<PipelineRun>();
    }
    assert.equal(ended.status, "SUCCEEDED", JSON.stringify(ended));
    const query = String(nodeOf(ended, "listed").query_id);
    assert.ok((await listed(all)).includes(query));
    assert.ok(!(await listed(some)).includes(query));
  });
});
