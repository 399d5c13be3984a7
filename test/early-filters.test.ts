/** What a join learns of its keys drops rows where they are read: the answers are the Delta library's and DuckDB's. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LinePeer } from "../bench/line-peer.js";
import { inRoot } from "../setup/places.mjs";
import { python, withoutPython } from "./fixture/python.js";
import { startServer, type TestServer, temporaryFolder } from "./fixture/server.js";

const accept = "application/vnd.apache.arrow.stream";

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
  const warehouse = temporaryFolder();
  const arrow = join(temporaryFolder(), "rows.arrow");
  let server: TestServer;
  let peer: LinePeer;

  before(async () => {
    for (const folder of [warehouse, join(arrow, "..")]) mkdirSync(folder, { recursive: true });
    const { status } = spawnSync(python, [inRoot("test/python/keyed_tables.py"), warehouse], { stdio: "inherit" });
    assert.equal(status, 0);
    server = await startServer({ warehouse });
    peer = new LinePeer(python, [inRoot("test/python/scan_peer.py"), warehouse]);
  });
  after(async () => {
    await Promise.all([peer.stop(), server.stop()]);
    for (const folder of [warehouse, join(arrow, "..")]) rmSync(folder, { recursive: true, force: true });
  });

  for (const [place, statement] of Object.entries(statements))
    it(`are dropped ${place}`, async () => {
      for (const key of ["near", "far", "day", "gaps"]) {
        const sql = statement(key);
        const plan = await server.client.sendJson("/v1/queries/explain", { sql });
        assert.match(plan.text, /tried\(/, sql);
        await equal(sql);
      }
    });

  it("are not those that an outer join keeps", async () => {
    for (const key of ["near", "gaps"])
      for (const kind of ["LEFT", "RIGHT", "FULL"])
        await equal(
          `SELECT count(*) AS n, count(f.amount) AS m, count(c.word) AS w, sum(f.amount) AS s FROM facts f ${kind} JOIN (SELECT * FROM chosen WHERE word = 'a') c ON f.${key} = c.${key}`,
        );
  });

  async function equal(sql: string): Promise<void> {
    const answer = await server.client.query(sql, { accept });
    assert.equal(answer.status, 200, `${sql}\n${answer.text}`);
    writeFileSync(arrow, answer.bytes);
    assert.equal(await peer.ask<string | null>({ sql, arrow }), null, sql);
  }
});
