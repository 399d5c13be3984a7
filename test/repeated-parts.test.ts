/** What a statement has several times is computed once: the answers are the Delta library's and DuckDB's. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LinePeer } from "../bench/line-peer.js";
import type { SessionDescription } from "../schemas/generated/index.js";
import { inRoot } from "../setup/places.mjs";
import { python, withoutPython } from "./fixture/python.js";
import { startServer, type TestServer, temporaryFolder } from "./fixture/server.js";

const accept = "application/vnd.apache.arrow.stream";
const sums = "WITH t AS (SELECT near, sum(amount) AS s, count(*) AS n FROM facts GROUP BY near)";
const chosen = (word: string) => `(SELECT near FROM chosen WHERE word = '${word}') ${word}`;

/** Statements that have something several times, all of which has to be computed. */
const repeated: Record<string, string> = {
  "joined with itself": `${sums} SELECT a.near, a.s, a.n, b.s AS other, b.n AS count FROM t a JOIN t b ON a.near = b.near + 1`,
  "beside its maximum": `${sums} SELECT near, s FROM t WHERE s = (SELECT max(s) FROM t)`,
  "three times": `${sums} SELECT near, s AS v, n FROM t UNION ALL SELECT near, n, s FROM t UNION ALL SELECT n, near, s FROM t WHERE s > 100000`,
  "with conditions of its readers": `${sums} SELECT count(*) AS n FROM t a LEFT JOIN t b ON a.n = b.n AND a.near < b.near`,
  "of distinct rows": `WITH t AS (SELECT DISTINCT near, far FROM facts) SELECT count(*) AS n, sum(a.far) AS f FROM t a JOIN t b ON a.near = b.near`,
  "of a window": `WITH t AS (SELECT near, amount, row_number() OVER (PARTITION BY near ORDER BY amount, day) AS r FROM facts) SELECT count(*) AS n, sum(a.amount) AS s FROM t a JOIN t b ON a.near = b.near AND a.r = b.r + 1`,
  "of a join": `WITH t AS (SELECT c.word, count(*) AS n, sum(amount) AS s FROM facts f JOIN chosen c ON f.near = c.near GROUP BY c.word) SELECT a.word, a.s, a.n, b.s - b.n AS d FROM t a JOIN t b ON a.word >= b.word`,
  "within what is there several times": `${sums}, u AS (SELECT a.n, count(*) AS m FROM t a JOIN t b ON a.n = b.n GROUP BY a.n) SELECT x.n, y.m FROM u x JOIN u y ON x.n = y.n`,
  "without a name": `SELECT a.near, a.s FROM (SELECT near, sum(amount) AS s FROM facts GROUP BY near) a WHERE a.s >= (SELECT avg(s) FROM (SELECT near, sum(amount) AS s FROM facts GROUP BY near))`,
  "with conditions of its own": `WITH t AS (SELECT near, sum(amount) AS s FROM facts WHERE amount > 500 GROUP BY near) SELECT a.s, b.s AS other FROM t a JOIN t b ON a.near = b.near + 2`,
  "without rows": `WITH t AS (SELECT near, sum(amount) AS s FROM facts WHERE near > 5000 GROUP BY near) SELECT a.s, b.s AS other FROM t a FULL JOIN t b ON a.near = b.near`,
  "with nulls as keys": `WITH t AS (SELECT gaps, count(*) AS n FROM facts GROUP BY gaps) SELECT a.gaps, a.n, b.n AS m FROM t a JOIN t b ON a.gaps IS NOT DISTINCT FROM b.gaps`,
  "where one reader is spared rows": `${sums} SELECT t.near, t.s FROM t JOIN ${chosen("a")} ON t.near = a.near WHERE t.s < (SELECT max(s) FROM t)`,
};

/** Statements in which nothing is. */
const single: Record<string, string> = {
  "under other conditions": `SELECT a.near, b.s FROM (SELECT near, sum(amount) AS s FROM facts WHERE amount > 3 GROUP BY near) a JOIN (SELECT near, sum(amount) AS s FROM facts WHERE amount > 4 GROUP BY near) b ON a.near = b.near`,
  "where its readers want other values": `${sums} SELECT a.s, b.n FROM t a JOIN t b ON a.near = b.near + 1`,
  "where joins spare all readers rows": `${sums} SELECT t.near, t.s FROM t JOIN ${chosen("a")} ON t.near = a.near UNION ALL SELECT t.near, t.n FROM t JOIN ${chosen("b")} ON t.near = b.near`,
  "where a limit may want few": `WITH t AS (SELECT near, far FROM facts WHERE amount = 7) SELECT count(*) AS n FROM (SELECT * FROM t UNION ALL SELECT * FROM t)`,
};

describe("what a statement has several times", { skip: withoutPython }, () => {
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

  for (const [how, sql] of Object.entries(repeated))
    it(`is computed once: ${how}`, async () => {
      const plan = await planOf(sql);
      assert.match(plan, /RepeatedExec\n/, sql);
      assert.match(plan, /RepeatedExec: as above/, sql);
      // The second time it is a plan that was kept.
      for (let turn = 0; turn < 2; turn++) await equal(sql);
    });

  for (const [how, sql] of Object.entries(single))
    it(`isn't ${how}`, async () => {
      assert.doesNotMatch(await planOf(sql), /RepeatedExec/, sql);
      await equal(sql);
    });

  it("is computed each time where it may differ", async () => {
    const sql =
      "WITH t AS (SELECT near, sum(random()) AS s FROM facts GROUP BY near) SELECT a.s FROM t a JOIN t b ON a.s = b.s";
    assert.doesNotMatch(await planOf(sql), /RepeatedExec/);
  });

  it("shows its files, rows and operators once", async () => {
    const sql = repeated["joined with itself"] ?? "";
    const explained = await server.client.sendJson("/v1/queries/explain", { sql, analyze: true });
    const { tables, analyze } = explained.as<{ tables: { files_pruned: number }[]; analyze: { metrics: string } }>();
    assert.deepEqual(
      tables.map((table) => table.files_pruned),
      [0],
    );
    assert.equal(analyze.metrics.match(/DataSourceExec/g)?.length, 1);
  });

  it("fails for all its readers, and with its reason", async () => {
    const failing = "WITH t AS (SELECT near, sum(amount / (near - near)) AS s FROM facts GROUP BY near)";
    const code = async (sql: string) => (await server.client.query(sql)).as<{ code: string }>().code;
    const expected = await code(`${failing} SELECT * FROM t`);
    assert.ok(expected);
    assert.equal(await code(`${failing} SELECT a.s FROM t a JOIN t b ON a.near = b.near`), expected);
    assert.equal(await code(`${failing} SELECT s FROM t UNION ALL SELECT s FROM t`), expected);
  });

  it("ends with readers that want few rows", async () => {
    assert.equal(
      (await server.client.rows(`${sums} SELECT near FROM t UNION ALL SELECT near FROM t LIMIT 3`)).length,
      3,
    );
    const limited = { sql: `${sums} SELECT near FROM t UNION ALL SELECT near FROM t`, row_limit: 2 };
    assert.equal((await server.client.rows(limited)).length, 2);
  });

  it("is on disk as far as the query has no memory for it", async () => {
    const request = { profile: { execution: { target_partitions: 2 }, memory: { limit_bytes: 14 << 20 } } };
    const { session_id } = (await server.client.sendJson("/v1/sessions", request)).as<SessionDescription>();
    const rows =
      "WITH t AS (SELECT near, amount, day, count(*) AS n, sum(far) AS f, avg(gaps) AS g FROM facts GROUP BY near, amount, day)";
    const totals = "SELECT count(*) AS n, sum(f) AS f, sum(n * amount) AS a";
    const sql = `${rows} ${totals} FROM (SELECT * FROM t UNION ALL SELECT * FROM t)`;
    assert.match(await planOf(sql), /RepeatedExec/);
    await equal(sql);
    assert.deepEqual(await server.client.rows({ sql, session_id }), await server.client.rows({ sql }));
  });

  async function planOf(sql: string): Promise<string> {
    const plan = await server.client.sendJson("/v1/queries/explain", { sql });
    assert.equal(plan.status, 200, plan.text);
    return plan.as<{ physical_plan: string }>().physical_plan;
  }

  async function equal(sql: string): Promise<void> {
    const answer = await server.client.query(sql, { accept });
    assert.equal(answer.status, 200, `${sql}\n${answer.text}`);
    writeFileSync(arrow, answer.bytes);
    assert.equal(await peer.ask<string | null>({ sql, arrow }), null, sql);
  }
});
