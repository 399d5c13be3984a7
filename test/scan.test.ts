/** Scans against the Delta library's own and DuckDB: random predicates, joins and aggregates over tables of every type. */
import { after, before, describe, it } from "node:test";
import { ComparedServer } from "./fixture/compared-server.js";
import { withoutPython } from "./fixture/python.js";
import { ScanQueries } from "./fixture/scan-queries.js";

const runs = Number(process.env["SCAN_RUNS"] ?? 150);
const seed = process.env["SCAN_SEED"] ?? "1";

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

  it("drops rows by what a join learns where columns have other names in files", async () => {
    const groups = "SELECT text AS k, count(*) AS n FROM partitioned_deleted_mapped_evolved GROUP BY text";
    for (const range of ["BETWEEN '00377 b' AND '00036 x'", "BETWEEN '00036 b' AND '00377 x'"])
      await server.equal(
        `SELECT a.id, g.n FROM deleted AS a JOIN (${groups}) AS g ON a.text = g.k WHERE a.text ${range}`,
      );
  });
});
