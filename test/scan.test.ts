/** Scans against the Delta library's own and DuckDB: random predicates, joins and aggregates over tables of every type. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LinePeer } from "../bench/line-peer.js";
import { inRoot } from "../setup/places.mjs";
import { python, withoutPython } from "./fixture/python.js";
import { ScanQueries } from "./fixture/scan-queries.js";
import { startServer, type TestServer, temporaryFolder } from "./fixture/server.js";

const runs = Number(process.env["SCAN_RUNS"] ?? 150);
const accept = "application/vnd.apache.arrow.stream";
const seed = process.env["SCAN_SEED"] ?? "1";

describe("scans", { skip: withoutPython }, () => {
  const warehouse = temporaryFolder();
  const answers = temporaryFolder();
  let server: TestServer;
  let peer: LinePeer;

  before(async () => {
    for (const folder of [warehouse, answers]) mkdirSync(folder, { recursive: true });
    const { status } = spawnSync(python, [inRoot("test/python/scan_tables.py"), warehouse, seed], { stdio: "inherit" });
    assert.equal(status, 0);
    server = await startServer({ warehouse });
    peer = new LinePeer(python, [inRoot("test/python/scan_peer.py"), warehouse]);
  });
  after(async () => {
    await peer.stop();
    await server.stop();
    for (const folder of [warehouse, answers]) rmSync(folder, { recursive: true });
  });

  it(`gives the rows of the library and of DuckDB, ${runs} times (SCAN_RUNS), seed ${seed} (SCAN_SEED)`, async () => {
    const arrow = join(answers, "rows.arrow");
    const layered = new ScanQueries(`${seed} layered`).takeLayered(Math.ceil(runs / 5));
    for (const sql of [...new ScanQueries(seed).take(runs), ...layered]) {
      const answer = await server.client.query(sql, { accept });
      assert.equal(answer.status, 200, `${sql}\n${answer.text}`);
      writeFileSync(arrow, answer.bytes);
      assert.equal(await peer.ask<string | null>({ sql, arrow }), null, sql);
      // Its plan is used again.
      const again = await server.client.query(sql, { accept, "cache-control": "no-store" });
      if (again.bytes.equals(answer.bytes)) continue;
      writeFileSync(arrow, again.bytes);
      assert.equal(await peer.ask<string | null>({ sql, arrow }), null, `again: ${sql}`);
    }
  });
});
