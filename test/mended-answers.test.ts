/** Statements that DataFusion by itself answers with wrong rows, or not at all. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertProblem } from "./fixture/problem.js";
import { startServer, type TestServer } from "./fixture/server.js";

const numbers = "FROM (VALUES (1), (NULL), (5), (9)) AS t(x) ORDER BY x NULLS LAST";

/** What each condition is for 1, 5, 9 and NULL. */
const conditions: readonly (readonly [condition: string, answers: readonly (boolean | null)[]])[] = [
  ["x NOT IN (1, 2, 3, 4) OR x NOT IN (5, 6, 7, 8)", [true, true, true, null]],
  ["x NOT IN (1, 2, 3, 5) OR NOT (x IN (5, 6, 7, 1))", [false, false, true, null]],
  ["NOT (x IN (1, 2, 3, 4) AND x IN (5, 6, 7, 8))", [true, true, true, null]],
  ["NOT ((x = 1 OR x = 2 OR x = 3 OR x = 4) AND (x = 5 OR x = 6 OR x = 7 OR x = 8))", [true, true, true, null]],
  ["x IN (1, 2, 3, 4) AND x IN (5, 6, 7, 8)", [false, false, false, null]],
  ["x IN (1, 2, 3, 5) AND x IN (5, 6, 7, 8)", [false, true, false, null]],
  ["x IN (1, 2, 3, 4) AND x NOT IN (1, 2, 3, 4, 5)", [false, false, false, null]],
  ["x NOT IN (1, 2, 3, 4) AND x IN (1, 2, 3, 9)", [false, false, true, null]],
  ["x IN (1, 2, 3, 4) OR x NOT IN (3, 4, 5, 6)", [true, false, true, null]],
  ["x NOT IN (5, 6, 7, NULL) OR x NOT IN (5, 9, 10, 11)", [true, false, null, null]],
  ["x IN (1, 2, 3, NULL) AND x IN (1, 9, 10, 11)", [true, false, null, null]],
  ["x NOT IN (x, x + 1, x + 2, x + 3) OR x NOT IN (x + 4, x, x + 5, x + 6)", [false, false, false, null]],
  ["x IN (x, x + 1, x + 2, x + 3) AND x IN (x + 4, x, x + 5, x + 6)", [true, true, true, null]],
];

/** What each is where `x` is a number with places. */
const ofPlaces: typeof conditions = [
  ["x IN (1.5, 2, 3, 4) AND x IN (5.0, 6, 7, 8)", [false, false, false, null]],
  ["x IN (1, 2, 3, 4) AND x IN (5, 6, 7, 8.5)", [false, false, false, null]],
  ["x IN (1, 2.0, 3, 9) AND x IN (5.0, 6, 9, 1)", [true, false, true, null]],
  ["x NOT IN (1.5, 2, 3, 4) OR x NOT IN (5, 6, 7, 8.5)", [true, true, true, null]],
  ["NOT (x IN (1.0, 2, 3, 4) AND x IN (1, 6.5, 7, 8))", [false, true, true, null]],
];

const grouped = `SELECT a + 1 AS b, grouping(a + 1) AS g, count(*) AS n FROM (VALUES (1), (2), (2)) AS t(a)`;

const answers: readonly (readonly [statement: string, rows: readonly object[]])[] = [
  [
    "SELECT to_timestamp(t, '%d.%m.%Y %H:%M') AS t FROM (VALUES ('02.01.2024 03:04'), (NULL)) AS v(t)",
    [{ t: "2024-01-02T03:04:00Z" }, { t: null }],
  ],
  [
    "SELECT to_timestamp_seconds(t, '%Y', '%d.%m.%Y %H:%M') AS s, to_timestamp_millis(t, '%d.%m.%Y %H:%M') AS m FROM (VALUES ('02.01.2024 03:04')) AS v(t)",
    [{ s: "2024-01-02T03:04:00Z", m: "2024-01-02T03:04:00Z" }],
  ],
  [
    `${grouped} GROUP BY a + 1 ORDER BY b`,
    [
      { b: 2, g: 0, n: 1 },
      { b: 3, g: 0, n: 2 },
    ],
  ],
  [
    `${grouped} GROUP BY ROLLUP (a + 1) ORDER BY g, b`,
    [
      { b: 2, g: 0, n: 1 },
      { b: 3, g: 0, n: 2 },
      { b: null, g: 1, n: 3 },
    ],
  ],
  [
    "SELECT a * 2 AS b, c, sum(a * 2) AS s FROM (VALUES (1, 'x'), (2, 'x')) AS t(a, c) GROUP BY GROUPING SETS ((a * 2, c), (c)) ORDER BY b NULLS LAST",
    [
      { b: 2, c: "x", s: 2 },
      { b: 4, c: "x", s: 4 },
      { b: null, c: "x", s: 6 },
    ],
  ],
  ["SELECT (SELECT value FROM generate_series(1, 0)) AS n", [{ n: null }]],
  [
    "SELECT x, (SELECT y FROM (SELECT 1 AS y WHERE false) AS s) AS y FROM (VALUES (1), (2)) AS t(x) ORDER BY x",
    [
      { x: 1, y: null },
      { x: 2, y: null },
    ],
  ],
  ["SELECT (SELECT value FROM generate_series(7, 7)) AS n", [{ n: 7 }]],
  ["SELECT (SELECT count(*) FROM generate_series(1, 0)) AS n", [{ n: 0 }]],
];

describe("answers that are mended", () => {
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const rows = async (sql: string) => {
    const answer = await server.client.query(sql);
    assert.equal(answer.status, 200, answer.text);
    return answer.as<{ data: object[] }>().data;
  };

  for (const [condition, expected] of conditions) {
    it(condition, async () => {
      const given = await rows(`SELECT x, ${condition} AS is ${numbers}`);
      assert.deepEqual(
        given,
        [1, 5, 9, null].map((x, index) => ({ x, is: expected[index] })),
      );
      const kept = await rows(`SELECT x FROM (SELECT * ${numbers}) AS t WHERE ${condition} ORDER BY x`);
      const wanted = [1, 5, 9, null].filter((_, index) => expected[index] === true);
      assert.deepEqual(
        kept,
        wanted.map((x) => ({ x })),
      );
    });
  }

  for (const type of ["DOUBLE", "REAL", "DECIMAL(5, 1)"]) {
    for (const [condition, expected] of ofPlaces) {
      it(`${condition} of ${type}`, async () => {
        const given = await rows(
          `SELECT ${condition} AS is FROM (SELECT CAST(x AS ${type}) AS x ${numbers}) AS t ORDER BY x`,
        );
        assert.deepEqual(
          given,
          expected.map((is) => ({ is })),
        );
      });
    }
  }

  for (const [statement, expected] of answers) {
    it(statement, async () => {
      assert.deepEqual(await rows(statement), expected);
    });
  }

  it("a scalar subquery of several rows stays an error", async () => {
    const answer = await server.client.query("SELECT (SELECT value FROM generate_series(1, 2)) AS n");
    assertProblem(answer, { status: 422, code: "invalid_query" });
  });
});
