/** POST /v1/queries/explain: plans, the tables behind them, and what running showed. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { ExplainAnswer, QueryAnswer, TableDescription } from "../../schemas/generated/index.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer } from "../fixture/server.js";

describe("explain", () => {
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const explain = (request: object) => server.client.sendJson("/v1/queries/explain", request);

  it("shows the plans and runs nothing", async () => {
    const answer = await explain({ sql: "SELECT origin, count(*) FROM flights GROUP BY origin" });
    assert.equal(answer.status, 200, answer.text);
    const { logical_plan, physical_plan, tree, graphviz, tables, analyze } = answer.as<ExplainAnswer>();
    assert.match(logical_plan, /Aggregate/);
    assert.match(physical_plan, /AggregateExec/);
    assert.match(tree, /AggregateExec/);
    assert.match(graphviz, /^\s*(\/\/.*\n)*\s*digraph/);
    assert.equal(analyze, null);
    assert.deepEqual([tables[0]?.name, tables[0]?.version], ["flights", 6]);
    assert.ok(Number(tables[0]?.files_total) >= 7);
  });

  it("counts the rows and the files that it left out", async () => {
    const answer = await explain({ sql: "SELECT * FROM flights WHERE month = $1", parameters: [7], analyze: true });
    const { analyze, tables } = answer.as<ExplainAnswer>();
    assert.equal(analyze?.row_count, 6);
    assert.match(analyze?.metrics ?? "", /output_rows=6\b/);
    const { files_total = 0, files_pruned } = tables[0] ?? {};
    assert.equal(files_pruned, files_total - 1, answer.text);
  });

  it("explains at a version", async () => {
    const answer = await explain({ sql: "SELECT * FROM airports", tables: { airports: { version: 0 } } });
    assert.equal(answer.as<ExplainAnswer>().tables[0]?.version, 0);
  });

  it("says of each table which conditions reach it, and what stands before it", async () => {
    const gate = { min_reader_version: 1 };
    const sql = "SELECT count(*) AS n FROM flights WHERE month = 7 AND origin = 'SEA'";
    const answer = await explain({ sql, gate, tables: { flights: { version: 5 } } });
    const { tables, views, cache_key, estimated_bytes } = answer.as<ExplainAnswer>();
    const [flights] = tables;
    assert.deepEqual([flights?.pinned, flights?.gates, views], [true, 1, []]);
    assert.ok(
      flights?.filters.some((filter) => /month = /.test(filter)),
      answer.text,
    );
    const { protocol } = (await server.client.send("/v1/tables/flights?version=5")).as<TableDescription>();
    assert.deepEqual(flights?.protocol, protocol);
    assert.ok(estimated_bytes === null || Number(estimated_bytes) > 0);
    const run = await server.client.query({ sql, gate, tables: { flights: { version: 5 } } });
    assert.equal(run.as<QueryAnswer>().cache.key, cache_key);
    assert.equal((await explain({ sql: "SELECT random() AS r" })).as<ExplainAnswer>().cache_key, null);
  });

  it("refuses what a query would refuse", async () => {
    assertProblem(await explain({ sql: "SELECT * FROM flight" }), { status: 422, code: "unknown_table" });
    assertProblem(await explain({ sql: "DROP TABLE flights" }), { status: 403, code: "statement_not_allowed" });
  });
});
