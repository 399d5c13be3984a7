/** POST /v1/queries and what it leaves behind: parameters, pins, limits, deadlines, hints, status. */
import assert from "node:assert/strict";
import { rmSync, utimesSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { decode, encode } from "@msgpack/msgpack";
import type { QueryAnswer, QueryList, QueryStatus } from "../../schemas/generated/index.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { commitFile, writeTable } from "../fixture/tables.js";

/** Runs until it is stopped. */
const endless = "SELECT count(*) AS n FROM flights a JOIN flights b ON a.distance <> b.distance";

describe("queries", () => {
  let server: TestServer;
  const warehouse = temporaryFolder();

  before(async () => {
    server = await startServer({ environment: { LAKEGATE_LOCATIONS: warehouse } });
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true });
  });

  const ask = async (request: string | object) => {
    const answer = await server.client.query(request);
    assert.equal(answer.status, 200, answer.text);
    return answer.as<QueryAnswer>();
  };

  it("answers with the rows and what they are", async () => {
    const answer = await server.client.query("SELECT 1 AS one, 'x' AS letter, CAST(NULL AS DOUBLE) AS nothing");
    const { query_id, stats, cache, ...rest } = answer.as<QueryAnswer>();
    assert.equal(cache.status, "miss");
    assert.deepEqual(rest, {
      status: "SUCCEEDED",
      schema: {
        fields: [
          { name: "one", type: "Int64", nullable: false },
          { name: "letter", type: "Utf8", nullable: false },
          { name: "nothing", type: "Float64", nullable: true },
        ],
      },
      tables: [],
      data: [{ one: 1, letter: "x", nothing: null }],
      row_count: 1,
      truncated: false,
    });
    assert.equal(answer.headers.get("query-id"), query_id);
    assert.match(answer.headers.get("server-timing") ?? "", /plan;dur=/);
    assert.ok(Number(stats.total_ms) > 0);
  });

  it("takes SQL as the body", async () => {
    const answer = await server.client.send("/v1/queries", {
      method: "POST",
      headers: { "content-type": "application/sql" },
      body: "SELECT 'ü' AS letter",
    });
    assert.deepEqual(answer.as<QueryAnswer>().data, [{ letter: "ü" }]);
  });

  it("takes and gives MessagePack", async () => {
    const answer = await server.client.send("/v1/queries", {
      method: "POST",
      headers: { "content-type": "application/vnd.msgpack", accept: "application/vnd.msgpack" },
      body: encode({ sql: "SELECT $1 AS big", parameters: [2n ** 62n] }, { useBigInt64: true }),
    });
    assert.equal(answer.status, 200, answer.text);
    const { data } = decode(answer.bytes, { useBigInt64: true }) as QueryAnswer;
    assert.deepEqual(data, [{ big: 2n ** 62n }]);
  });

  it("binds a list of parameters", async () => {
    const { data } = await ask({
      sql: "SELECT count(*) AS flights FROM flights WHERE origin = $1 AND distance > $2",
      parameters: ["SEA", 2000],
    });
    assert.ok(Number(data[0] && Object.values(data[0])[0]) > 0);
  });

  it("binds parameters by name, with their types", async () => {
    const { data, schema } = await ask({
      sql: "SELECT $price AS price, $day AS day, $none AS none",
      parameters: {
        price: { type: "Decimal128(10, 2)", value: "12.30" },
        day: { type: "Date32", value: "2024-02-29" },
        none: { type: "Int64", value: null },
      },
    });
    assert.deepEqual(data, [{ price: 12.3, day: "2024-02-29", none: null }]);
    assert.deepEqual(
      schema.fields.map((field) => field.type),
      ["Decimal128(10, 2)", "Date32", "Int64"],
    );
  });

  it("writes rows as arrays and numbers as strings where that is asked for", async () => {
    const { data } = await ask({
      sql: "SELECT 9223372036854775807 AS big, CAST('1.50' AS DECIMAL(5, 2)) AS price, 1.5 AS half",
      numbers: "string",
      row_format: "array",
    });
    assert.deepEqual(data, [["9223372036854775807", "1.50", 1.5]]);
  });

  it("writes every digit of large numbers", async () => {
    const answer = await server.client.query(
      "SELECT -9223372036854775808 AS low, CAST('12345678901234567890123456.0123456789' AS DECIMAL(36, 10)) AS price",
    );
    assert.match(answer.text, /"low":-9223372036854775808,"price":12345678901234567890123456\.0123456789/);
  });

  it("subtracts dates into days", async () => {
    const sql = "SELECT date '2001-10-01' - date '2001-09-28' AS days, NULL - date '2001-09-28' AS none";
    assert.deepEqual(await server.client.rows(sql), [{ days: 3, none: null }]);
  });

  it("stops at the row limit and says so", async () => {
    const { data, row_count, truncated } = await ask({ sql: "SELECT * FROM flights", row_limit: 7 });
    assert.equal(data.length, 7);
    assert.deepEqual({ row_count, truncated }, { row_count: 7, truncated: true });
    const exactly = await ask({ sql: "SELECT * FROM seattle_weather", row_limit: 1461 });
    assert.deepEqual([exactly.row_count, exactly.truncated], [1461, false]);
  });

  it("stops at the byte limit and says so", async () => {
    const answer = await server.client.query({ sql: "SELECT * FROM flights", byte_limit: 100_000 });
    const { truncated, row_count, data } = answer.as<QueryAnswer>();
    assert.ok(truncated);
    assert.equal(data.length, row_count);
    assert.ok(answer.bytes.length < 2_000_000, `${answer.bytes.length} bytes`);
  });

  it("reads a table at a version", async () => {
    const sql = "SELECT count(*) AS n FROM flights";
    const first = await ask({ sql, tables: { flights: { version: 0 } } });
    assert.deepEqual(first.data, [{ n: 508239 }]);
    assert.deepEqual([first.tables[0]?.name, first.tables[0]?.version], ["flights", 0]);
    const newest = await ask(sql);
    assert.deepEqual(newest.data, [{ n: 3_000_000 }]);
    assert.equal(newest.tables[0]?.version, 6);
  });

  it("reads a table at a time", async () => {
    await writeTable(warehouse, "grown", [
      { mode: "create", sql: "SELECT 1 AS n" },
      { mode: "append", sql: "SELECT 2 AS n" },
      { mode: "append", sql: "SELECT 3 AS n" },
    ]);
    for (const version of [0, 1, 2]) {
      const time = new Date(Date.UTC(2024, 0, 1 + version));
      utimesSync(commitFile(warehouse, "grown", version), time, time);
    }
    await server.client.sendJson("/v1/tables/grown", { uri: `${warehouse}/grown` }, { method: "PUT" });
    const at = (timestamp: string) => ({ sql: "SELECT count(*) AS n FROM grown", tables: { grown: { timestamp } } });
    for (const [timestamp, rows] of [
      ["2024-01-01T00:00:00Z", 1],
      ["2024-01-01T23:59:59.999Z", 1],
      ["2024-01-02T01:00:00+01:00", 2],
      ["2024-01-02T12:00:00Z", 2],
    ] as const) {
      assert.deepEqual((await ask(at(timestamp))).data, [{ n: rows }], timestamp);
    }
    for (const timestamp of ["2023-12-31T23:59:59Z", "2030-01-01T00:00:00Z"]) {
      assertProblem(await server.client.query(at(timestamp)), {
        status: 404,
        code: "version_not_found",
        detail: /2024-01-01/,
      });
    }
  });

  it("sees a commit as soon as it is made", async () => {
    await writeTable(warehouse, "fresh", [{ mode: "create", sql: "SELECT 1 AS n" }]);
    await server.client.sendJson("/v1/tables/fresh", { uri: `${warehouse}/fresh` }, { method: "PUT" });
    const sum = async () => (await ask("SELECT sum(n) AS total FROM fresh")).data;
    assert.deepEqual(await sum(), [{ total: 1 }]);
    await writeTable(warehouse, "fresh", [{ mode: "append", sql: "SELECT 41 AS n" }]);
    assert.deepEqual(await sum(), [{ total: 42 }]);
    await writeTable(warehouse, "fresh", [{ mode: "overwrite", sql: "SELECT 7 AS n" }]);
    assert.deepEqual(await sum(), [{ total: 7 }]);
  });

  it("says where an error is and what was meant", async () => {
    const cases = [
      { sql: "SELECT 1\nFRM flights", code: "invalid_sql", line: 2 },
      { sql: "SELECT *\nFROM flight", code: "unknown_table", line: 2, column: 6, detail: /flights/ },
      { sql: "SELECT orign FROM flights", code: "unknown_column", line: 1, column: 8, detail: /origin/ },
      { sql: "SELECT Origin FROM flights", code: "unknown_column", line: 1, column: 8, detail: /origin/ },
    ] as const;
    for (const { sql, code, line, ...expected } of cases) {
      const answer = await server.client.query(sql);
      const problem = assertProblem(answer, {
        status: 422,
        code,
        kind: "datafusion",
        ...("detail" in expected && { detail: expected.detail }),
      });
      assert.equal(problem.location?.line, line, answer.text);
      if ("column" in expected) assert.equal(problem.location?.column, expected.column, answer.text);
    }
  });

  it("ends a query at its timeout", async () => {
    assertProblem(await server.client.query({ sql: endless, timeout_ms: 300 }), { status: 504, code: "query_timeout" });
  });

  it("cancels a query on DELETE, as often as it is asked", async () => {
    const running = server.client.query({ sql: endless, labels: { test: "cancel" } });
    const query = await eventually(async () => {
      const { items } = (await server.client.send("/v1/queries")).as<QueryList>();
      return items.find(({ labels, status }) => labels?.["test"] === "cancel" && status === "RUNNING");
    });
    for (const _ of [1, 2]) {
      const canceled = await server.client.send(`/v1/queries/${query.query_id}`, { method: "DELETE" });
      assert.ok(canceled.status === 200 || canceled.status === 204, canceled.text);
    }
    assertProblem(await running, { status: 409, code: "query_canceled" });
    assert.equal((await statusOf(query.query_id)).status, "CANCELED");
  });

  it("tells of a query after its end", async () => {
    const { query_id } = await ask({ sql: "SELECT * FROM stocks WHERE symbol = 'IBM'", labels: { who: "me" } });
    const status = await statusOf(query_id);
    assert.equal(status.status, "SUCCEEDED");
    assert.deepEqual(
      { rows: status.row_count, labels: status.labels, format: status.format, table: status.tables[0]?.name },
      { rows: 123, labels: { who: "me" }, format: "json", table: "stocks" },
    );
  });

  it("tells of a query that failed", async () => {
    const answer = await server.client.query("SELECT 1 / (delay - delay) FROM flights");
    assertProblem(answer, { status: 422, code: "arithmetic_error", kind: "arrow" });
    const status = await statusOf(answer.headers.get("query-id") ?? "");
    assert.deepEqual([status.status, status.error?.code], ["FAILED", "arithmetic_error"]);
  });

  it("knows no other queries", async () => {
    const nobody = "/v1/queries/7f4c1e9a-52d3-4c77-9a39-0d5f6f6f2a11";
    assertProblem(await server.client.send(nobody), { status: 404, code: "query_not_found" });
    assertProblem(await server.client.send(nobody, { method: "DELETE" }), { status: 404, code: "query_not_found" });
  });

  it("hands the request id back", async () => {
    const answer = await server.client.query("SELECT 1", { "x-request-id": "mine-42" });
    assert.equal(answer.headers.get("x-request-id"), "mine-42");
  });

  async function statusOf(id: string): Promise<QueryStatus> {
    return (await server.client.send(`/v1/queries/${id}`)).as<QueryStatus>();
  }
});

async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const found = await look();
    if (found !== undefined) return found;
    await pause(25);
  }
  throw new Error("it did not happen");
}
