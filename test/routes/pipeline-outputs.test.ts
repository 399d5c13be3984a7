/** What runs of pipelines leave behind: files at URLs of their own, and tables that later runs can write too. */
import assert from "node:assert/strict";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { FieldSpec, TableSchema } from "../../schemas/generated/index.js";
import { nodeOf, Pipelines } from "../fixture/pipelines.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { rowTypes, Writing } from "../fixture/writing.js";

describe("outputs of pipelines", () => {
  const warehouse = temporaryFolder();
  let server: TestServer;
  const writing = new Writing(() => server.client);
  const pipelines = new Pipelines(() => server.client);

  before(async () => {
    server = await startServer({ warehouse });
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true });
  });

  const columnsOf = async (table: string): Promise<FieldSpec[]> =>
    (await server.client.send(`/v1/tables/${table}/schema`)).as<TableSchema>().columns;

  describe("files", () => {
    it("are served whole, in part, and not at all to those who have them", async () => {
      const source = await writing.table();
      const sql = `SELECT id, origin FROM ${source} ORDER BY id`;
      await pipelines.made("filed", [
        { name: "as_csv", sql, materialize: { file: "all_rows", format: "csv" } },
        { name: "as_parquet", sql, materialize: { file: "all_rows" } },
        { name: "unwritten", sql },
      ]);
      const path = "/v1/pipelines/filed/outputs/as_csv";
      assertProblem(await server.client.send(path), { status: 404, code: "output_not_found" });
      const run = await pipelines.done("filed");
      assert.equal(nodeOf(run, "as_csv").file_url, path);
      const whole = await server.client.send(path);
      const body = "id,origin\r\n1,SEA\r\n2,PDX\r\n3,SEA\r\n";
      assert.deepEqual([whole.status, whole.text], [200, body]);
      assert.equal(whole.headers.get("content-type"), rowTypes.csv);
      assert.equal(whole.headers.get("run-id"), run.run_id);
      assert.match(whole.headers.get("content-disposition") ?? "", /filename="all_rows\.csv"/);
      const etag = whole.headers.get("etag") ?? "";
      const known = await server.client.send(path, { headers: { "if-none-match": etag } });
      assert.deepEqual([known.status, known.text, known.headers.get("etag")], [304, "", etag]);
      const part = await server.client.send(path, { headers: { range: "bytes=3-8" } });
      assert.deepEqual([part.status, part.text], [206, body.slice(3, 9)]);
      assert.equal(part.headers.get("content-range"), `bytes 3-8/${body.length}`);
      const stale = await server.client.send(path, { headers: { range: "bytes=3-8", "if-range": '"other"' } });
      assert.deepEqual([stale.status, stale.text], [200, body]);
      const beyond = await server.client.send(path, { headers: { range: "bytes=100-" } });
      assertProblem(beyond, { status: 416, code: "range_not_satisfiable" });
      const head = await server.client.send(path, { method: "HEAD" });
      assert.deepEqual([head.status, head.text, head.headers.get("content-length")], [200, "", String(body.length)]);
      const parquet = await server.client.send("/v1/pipelines/filed/outputs/as_parquet");
      assert.equal(parquet.headers.get("content-type"), rowTypes.parquet);
      assert.equal(parquet.bytes.length, statSync(join(warehouse, "_exports", "filed", "all_rows.parquet")).size);
      for (const node of ["unwritten", "nothing"]) {
        const none = await server.client.send(`/v1/pipelines/filed/outputs/${node}`);
        assertProblem(none, { status: 404, code: "output_not_found" });
      }
      const nowhere = await server.client.send("/v1/pipelines/nowhere/outputs/as_csv");
      assertProblem(nowhere, { status: 404, code: "pipeline_not_found" });
      await writing.rows(source, [{ id: 4, origin: "BOI", delay: 1 }], "mode=append");
      const later = await pipelines.done("filed");
      const changed = await server.client.send(path, { headers: { "if-none-match": etag } });
      assert.deepEqual([changed.status, changed.text], [200, `${body}4,BOI\r\n`]);
      assert.equal(changed.headers.get("run-id"), later.run_id);
      rmSync(join(warehouse, "_exports", "filed"), { recursive: true });
      assertProblem(await server.client.send(path), { status: 404, code: "output_not_found" });
    });
  });

  describe("tables", () => {
    it("take nulls in later runs, also within columns", async () => {
      const nodes = (value: string, mode: "append" | "overwrite" | "merge") => [
        {
          name: "made",
          sql: `SELECT 1 AS id, ${value} AS amount, [${value}] AS amounts, {'inner': ${value}} AS pair`,
          cache: "recompute" as const,
          materialize: { table: `nulls_${mode}`, mode, ...(mode === "merge" && { keys: ["id"] }) },
        },
      ];
      for (const mode of ["append", "overwrite", "merge"] as const) {
        await pipelines.made(`nulls_${mode}`, nodes("7", mode));
        await pipelines.done(`nulls_${mode}`);
        const columns = await columnsOf(`nulls_${mode}`);
        assert.ok(
          columns.every(({ nullable = true }) => nullable),
          JSON.stringify(columns),
        );
        await pipelines.made(`nulls_${mode}`, nodes("CAST(NULL AS BIGINT)", mode));
        await pipelines.done(`nulls_${mode}`);
        const rows = await server.client.rows(`SELECT amount, pair['inner'] AS inner FROM nulls_${mode}`);
        assert.ok(
          rows.some((row) => JSON.stringify(row) === '{"amount":null,"inner":null}'),
          JSON.stringify(rows),
        );
      }
    });

    it("have no nulls where a contract forbids them", async () => {
      const columns = [
        { name: "id", dtype: "Int64", nullable: false },
        { name: "amount", dtype: "Int64" },
      ];
      const contract = { table: "promised", columns, policy: "strict" };
      const put = await server.client.sendJson("/v1/contracts/promised", contract, { method: "PUT" });
      assert.equal(put.status, 201, put.text);
      const node = { name: "made", sql: "SELECT 1 AS id, 2 AS amount", materialize: { table: "promised" } };
      await pipelines.made("promised", [node]);
      await pipelines.done("promised");
      assert.deepEqual(
        (await columnsOf("promised")).map(({ name, nullable = true }) => [name, nullable]),
        [
          ["id", false],
          ["amount", true],
        ],
      );
      await pipelines.made("promised", [{ ...node, sql: "SELECT CAST(NULL AS BIGINT) AS id, 2 AS amount" }]);
      const run = await pipelines.run("promised");
      assert.equal(run.status, "FAILED");
      assert.match(String(run.error?.code), /^(contract|constraint)_violated$/);
    });
  });
});
