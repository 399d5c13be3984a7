/** What a join learns of its keys drops rows where they are read: the answers are the Delta library's and DuckDB's. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ComparedServer } from "./fixture/compared-server.js";
import { withoutPython } from "./fixture/python.js";

/** Statements that join on a key. */
const statements: Record<string, (key: string) => string> = {
  "right before the join": (key) =>
    `SELECT f.${key}, count(*) AS n, sum(f.amount) AS s FROM facts f JOIN chosen c ON f.${key} = c.${key} WHERE c.word = 'a' GROUP BY f.${key}`,
  "before rows are aggregated": (key) =>
    `SELECT c.word, a.s, a.n FROM chosen c JOIN (SELECT ${key}, sum(amount) AS s, count(*) AS n FROM facts GROUP BY ${key}) a ON a.${key} = c.${key} WHERE c.word = 'b'`,
  "of a semi-join": (key) =>
    `SELECT count(*) AS n, sum(amount) AS s FROM facts WHERE ${key} IN (SELECT ${key} FROM chosen WHERE word = 'c')`,
};

describe("rows that joins drop", { skip: withoutPython }, () => {
  let server: ComparedServer;

  before(async () => {
    server = await ComparedServer.start("keyed_tables.py");
  });
  after(() => server.stop());

  for (const [place, statement] of Object.entries(statements))
    it(`are dropped ${place}`, async () => {
      for (const key of ["near", "far", "day", "gaps"]) {
        const sql = statement(key);
        const plan = await server.client.sendJson("/v1/queries/explain", { sql });
        assert.match(plan.text, /tried\(/, sql);
        await server.equal(sql);
      }
    });

  it("are not those that an outer join keeps", async () => {
    for (const key of ["near", "gaps"])
      for (const kind of ["LEFT", "RIGHT", "FULL"])
        await server.equal(
          `SELECT count(*) AS n, count(f.amount) AS m, count(c.word) AS w, sum(f.amount) AS s FROM facts f ${kind} JOIN (SELECT * FROM chosen WHERE word = 'a') c ON f.${key} = c.${key}`,
        );
  });
});
