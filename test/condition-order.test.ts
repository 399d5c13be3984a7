/** Conditions of a filter are asked in a measured order: the answers are the Delta library's and DuckDB's. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ComparedServer } from "./fixture/compared-server.js";
import { withoutPython } from "./fixture/python.js";

/** What they leave. */
const conditions: Record<string, string> = {
  "few rows": "near > 0 AND amount IN (7, 8, 9, 10) AND far < 600 AND day >= DATE '1970-01-10'",
  "few rows, the last condition most": "amount >= 0 AND near > -290 AND far IN (30, 33, 36, 39, 42)",
  "no row": "near > 400 AND amount > 3 AND far > 3",
  "no row after some": "near IN (5, 7, 8, 9) AND far IN (18, 30, 33, 36) AND amount > 1",
  "every row": "near > -1000 AND far > -10000 AND amount >= 0",
  "rows without nulls": "gaps > 5 AND near < 100 AND NOT (gaps = 12)",
  "nulls alone": "gaps IS NULL AND near > 7 AND amount < 500",
  "what a list has": "gaps IN (1, 2, NULL) AND near > 0 AND amount < 900",
  "what a list lacks": "gaps NOT IN (1, 2) AND near >= 1 AND amount < 10",
  "one of two": "(gaps > 290 OR near < -290) AND far <> 30 AND amount > 2",
  "what can fail for others": "amount % 7 = 3 AND near > 100 AND far < 450",
  "what can only fail": "amount % 7 = 3 AND near * 2 > 100",
  "what a join leaves":
    "near IN (SELECT near FROM chosen WHERE word = 'a' AND far > -300) AND amount > 10 AND gaps IS NOT NULL",
};

describe("conditions of a filter", { skip: withoutPython }, () => {
  let server: ComparedServer;

  before(async () => {
    server = await ComparedServer.start("keyed_tables.py");
  });
  after(() => server.stop());

  for (const [left, condition] of Object.entries(conditions))
    it(`leave ${left}`, async () => {
      for (const columns of ["count(*) AS n, sum(amount) AS s, min(far) AS f", "near, day, amount"]) {
        const sql = `SELECT ${columns} FROM facts WHERE ${condition}`;
        const plan = await server.client.sendJson("/v1/queries/explain", { sql });
        assert.match(plan.text, /ordered\(/, sql);
        // The second time the order is known from the first.
        for (let turn = 0; turn < 2; turn++) await server.equal(sql, { "cache-control": "no-store" });
      }
    });

  it("are not asked of rows that others leave out where they can fail", async () => {
    const counted = (condition: string) => `SELECT count(*) AS n, sum(amount) AS s FROM facts WHERE ${condition}`;
    const guarded = await server.client.rows(counted("near <> 0 AND amount > 5 AND 6000 / near > 300"));
    assert.deepEqual(guarded, await server.client.rows(counted("amount > 5 AND 6000 / nullif(near, 0) > 300")));
    const failing = await server.client.query(counted("amount > 5 AND 6000 / near > 300"));
    assert.equal(failing.status, 422, failing.text);
  });

  it("keep their order where one is volatile", async () => {
    const sql = "SELECT count(*) AS n FROM facts WHERE random() < 0.5 AND near > 0";
    const plan = await server.client.sendJson("/v1/queries/explain", { sql });
    assert.doesNotMatch(plan.text, /ordered\(/);
  });
});
