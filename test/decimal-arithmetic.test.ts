/** Sums, differences and products of decimals: values and types are those of Arrow's own arithmetic. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { ComparedServer } from "./fixture/compared-server.js";
import { assertProblem } from "./fixture/problem.js";
import { withoutPython } from "./fixture/python.js";
import { startServer, type TestServer, temporaryFolder } from "./fixture/server.js";

/** Over a price and a share, which is negative in half of the rows, and null in some. */
const expressions = [
  "CAST(price * (1 - share) AS DECIMAL(30, 4))",
  "CAST(price * (1 - share) * (1 + share) AS DECIMAL(30, 6))",
  "CAST(price * 2 - 1.5 AS DECIMAL(30, 2))",
  "CAST(0.125 + price AS DECIMAL(30, 3))",
  "CAST(share - 1 AS DECIMAL(30, 2))",
  "CAST(10 - share + price AS DECIMAL(30, 2))",
];

describe("decimals", () => {
  let server: TestServer;
  const warehouse = temporaryFolder();

  before(async () => {
    mkdirSync(warehouse, { recursive: true });
    server = await startServer({ warehouse });
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true, force: true });
  });

  /** Of two columns, each a text with its type, whose values no optimiser knows. */
  const shown = async (expression: string, [a, b]: [string, string], [typeOfA, typeOfB]: [string, string]) => {
    const values = `SELECT CAST(x AS ${typeOfA}) AS a, CAST(y AS ${typeOfB}) AS b FROM (VALUES ('${a}', '${b}'), (NULL, '${b}')) AS t (x, y)`;
    const rows = await server.client.rows(
      `SELECT CAST(x AS VARCHAR) AS x, arrow_typeof(x) AS t FROM (SELECT ${expression} AS x FROM (${values})) ORDER BY x`,
    );
    assert.equal((rows[1] as { x: unknown }).x, null);
    return rows[0] as { x: string; t: string };
  };

  it("have the types of the operators", async () => {
    const typed = (expression: string) => shown(expression, ["7.25", "-0.5"], ["DECIMAL(15, 2)", "DECIMAL(9, 4)"]);
    assert.deepEqual(await typed("a * b"), { x: "-3.625000", t: "Decimal128(25, 6)" });
    assert.deepEqual(await typed("1 - a"), { x: "-6.25", t: "Decimal128(23, 2)" });
    assert.deepEqual(await typed("a + 1"), { x: "8.25", t: "Decimal128(23, 2)" });
    assert.deepEqual(await typed("a - b"), { x: "7.7500", t: "Decimal128(18, 4)" });
  });

  it("have all their digits beyond 64 bits", async () => {
    const long = (expression: string) =>
      shown(expression, ["12345678901234567890.5", "-3.5"], ["DECIMAL(22, 1)", "DECIMAL(5, 1)"]);
    assert.equal((await long("a * b")).x, "-43209876154320987616.75");
    assert.equal((await long("1 - a")).x, "-12345678901234567889.5");
    const edge = (expression: string) =>
      shown(expression, ["9223372036854775807", "-9223372036854775808"], ["DECIMAL(19, 0)", "DECIMAL(19, 0)"]);
    assert.equal((await edge("a * b")).x, "-85070591730234615856620279821087277056");
    assert.equal((await edge("a * a")).x, "85070591730234615847396907784232501249");
  });

  it("fail where a product is too large", async () => {
    const values = `SELECT CAST(x AS DECIMAL(30, 0)) AS a FROM (VALUES ('${"9".repeat(30)}')) AS t (x)`;
    const answer = await server.client.query(`SELECT a * a AS x FROM (${values})`);
    assertProblem(answer, { status: 422, code: "arithmetic_error" });
  });

  describe("of a table", { skip: withoutPython }, () => {
    let compared: ComparedServer;

    before(async () => {
      compared = await ComparedServer.start("keyed_tables.py");
    });
    after(() => compared.stop());

    for (const expression of expressions)
      it(`are those of the library and of DuckDB: ${expression}`, async () => {
        const rows =
          "SELECT near, CAST(amount AS DECIMAL(15, 2)) + 0.25 AS price, CAST(gaps AS DECIMAL(9, 2)) / 100 AS ratio FROM facts";
        const typed = `SELECT near, price, CAST(ratio AS DECIMAL(15, 2)) AS share FROM (${rows})`;
        const sql = `SELECT near, ${expression} AS x FROM (${typed}) WHERE near % 10 = 1`;
        await compared.equal(sql);
      });
  });
});
