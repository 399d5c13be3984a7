/** Scans against the Delta library's own and DuckDB: random predicates, joins and aggregates over tables of every type. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ComparedServer } from "./fixture/compared-server.js";
import { withoutPython } from "./fixture/python.js";
import { ScanQueries } from "./fixture/scan-queries.js";

const runs = Number(process.env["SCAN_RUNS"] ?? 150);
const seed = process.env["SCAN_SEED"] ?? "1";

/** Statements whose operators hold something of a run: rows of one side, bounds, the best so far. */
const shapes = {
  "a join below an order and a limit":
    "SELECT a.id, b.text FROM deleted AS a JOIN plain AS b ON a.id = b.id WHERE b.text > '00100' ORDER BY a.id DESC LIMIT 20",
  "an outer join":
    "SELECT a.id, b.id AS other FROM deleted AS a FULL JOIN mapped AS b ON a.id = b.id ORDER BY a.id, b.id",
  "a join whose rows are aggregated":
    "SELECT b.word, count(*) AS n, sum(a.whole) AS s FROM plain AS a JOIN partitioned AS b ON a.id = b.id GROUP BY b.word ORDER BY b.word",
  "the highest of a join":
    "SELECT max(a.id) AS high, min(b.day) AS low FROM plain AS a JOIN partitioned AS b ON a.id = b.id",
  "rows without equals":
    "SELECT id FROM plain WHERE id NOT IN (SELECT id FROM deleted WHERE id IS NOT NULL) ORDER BY id",
  "a join by less": "SELECT count(*) AS n FROM plain AS a JOIN deleted AS b ON a.id < b.id",
  "a join with all": "SELECT count(*) AS n, sum(a.whole) AS s FROM plain AS a CROSS JOIN deleted AS b",
  "a window": "SELECT id, sum(whole) OVER (PARTITION BY word ORDER BY id) AS s FROM deleted ORDER BY id LIMIT 50",
  "a scalar subquery": "SELECT id FROM plain WHERE id > (SELECT avg(id) FROM deleted) ORDER BY id",
  "the best of a union":
    "SELECT id FROM (SELECT id FROM plain UNION ALL SELECT id FROM deleted) AS u ORDER BY id DESC LIMIT 10",
};

describe("scans", { skip: withoutPython }, () => {
  let server: ComparedServer;

  before(async () => {
    server = await ComparedServer.start("scan_tables.py", seed);
  });
  after(() => server.stop());

  it(`gives the rows of the library and of DuckDB, ${runs} times (SCAN_RUNS), seed ${seed} (SCAN_SEED)`, async () => {
    const layered = new ScanQueries(`${seed} layered`).takeLayered(Math.ceil(runs / 5));
    for (const sql of [...new ScanQueries(seed).take(runs), ...layered]) {
      const rows = await server.equal(sql);
      // Its plan is used again.
      await server.equal(sql, { "cache-control": "no-store" }, rows);
    }
  });

  for (const [shape, sql] of Object.entries(shapes))
    it(`runs the plan of ${shape} several times at once`, async () => {
      await server.equal(sql);
      const again = { accept: "text/csv", "cache-control": "no-store" };
      const answers = await Promise.all(Array.from({ length: 12 }, () => server.client.query(sql, again)));
      assert.equal(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1);
      assert.equal(answers[0]?.status, 200);
    });

  it("drops rows by what a join learns where columns have other names in files", async () => {
    const groups = "SELECT text AS k, count(*) AS n FROM partitioned_deleted_mapped_evolved GROUP BY text";
    for (const range of ["BETWEEN '00377 b' AND '00036 x'", "BETWEEN '00036 b' AND '00377 x'"])
      await server.equal(
        `SELECT a.id, g.n FROM deleted AS a JOIN (${groups}) AS g ON a.text = g.k WHERE a.text ${range}`,
      );
  });
});
