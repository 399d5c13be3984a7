/** Groups are made of the rows that are read together, and very many of them part by part: the answers are the Delta library's and DuckDB's. */
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
const tables = ["together", "woven", "apart", "turning", "again", "many"];
const aggregates = "sum(amount) AS s, count(amount) AS n, min(amount) AS lo, max(amount) AS hi";
const totals = "count(*) AS n, sum(s) AS s, sum(n * lo) AS lo, sum(hi) AS hi";

/** What is asked of groups. */
const statements: Record<string, (table: string) => string> = {
  "by a key": (table) => `SELECT ${totals}, sum(key) AS k FROM (SELECT key, ${aggregates} FROM ${table} GROUP BY key)`,
  "by a text": (table) =>
    `SELECT ${totals}, max(word) AS w FROM (SELECT word, ${aggregates} FROM ${table} GROUP BY word)`,
  "by both": (table) =>
    `SELECT ${totals}, sum(key) AS k FROM (SELECT key, word, ${aggregates} FROM ${table} GROUP BY key, word)`,
  "by what is computed": (table) =>
    `SELECT ${totals} FROM (SELECT key % 1000 AS k, ${aggregates} FROM ${table} GROUP BY key % 1000)`,
  "by keys that conditions leave": (table) =>
    `SELECT ${totals} FROM (SELECT key, ${aggregates} FROM ${table} WHERE amount % 3 = 1 GROUP BY key HAVING sum(amount) > 500)`,
  "and distinct values": (table) =>
    `SELECT sum(d) AS d, count(*) AS n FROM (SELECT key, count(DISTINCT amount % 5) AS d, sum(amount) AS s FROM ${table} GROUP BY key)`,
  "without aggregates": (table) => `SELECT count(*) AS n, sum(key) AS k FROM (SELECT DISTINCT key FROM ${table})`,
  "that are joined": (table) =>
    `SELECT count(*) AS n, sum(a.s * b.n) AS s FROM (SELECT key, sum(amount) AS s FROM ${table} GROUP BY key) a JOIN (SELECT key, count(*) AS n FROM many GROUP BY key) b ON a.key = b.key`,
};

describe("groups", { skip: withoutPython }, () => {
  const warehouse = temporaryFolder();
  const arrow = join(temporaryFolder(), "rows.arrow");
  let server: TestServer;
  let peer: LinePeer;
  const sessions: string[] = [];

  before(async () => {
    for (const folder of [warehouse, join(arrow, "..")]) mkdirSync(folder, { recursive: true });
    const { status } = spawnSync(python, [inRoot("test/python/grouped_tables.py"), warehouse], { stdio: "inherit" });
    assert.equal(status, 0);
    server = await startServer({ warehouse });
    peer = new LinePeer(python, [inRoot("test/python/scan_peer.py"), warehouse]);
    for (const target_partitions of [2, 3]) {
      const session = await server.client.sendJson("/v1/sessions", { profile: { execution: { target_partitions } } });
      sessions.push(session.as<SessionDescription>().session_id);
    }
  });
  after(async () => {
    await Promise.all([peer.stop(), server.stop()]);
    for (const folder of [warehouse, join(arrow, "..")]) rmSync(folder, { recursive: true, force: true });
  });

  for (const [kind, statement] of Object.entries(statements))
    it(`are right ${kind}`, async () => {
      for (const table of tables)
        for (const session_id of sessions) {
          const sql = statement(table);
          const answer = await server.client.query({ sql, session_id }, { accept });
          assert.equal(answer.status, 200, `${sql}\n${answer.text}`);
          writeFileSync(arrow, answer.bytes);
          assert.equal(await peer.ask<string | null>({ sql, arrow }), null, sql);
        }
    });

  it("are made of the rows that are read together", async () => {
    const plan = await planOf("SELECT key, sum(amount) FROM together GROUP BY key", 0);
    assert.match(plan, /SegmentsExec\s+AggregateExec: mode=Partial.*\s+SegmentExec/);
  });

  it("are given as they are read, where they lie together", async () => {
    const segments = async (table: string) => {
      const request = {
        sql: `SELECT key, sum(amount) FROM ${table} GROUP BY key`,
        session_id: sessions[0],
        analyze: true,
      };
      const explained = await server.client.sendJson("/v1/queries/explain", request);
      const { analyze } = explained.as<{ analyze: { metrics: string } }>();
      return Number(/SegmentsExec, metrics=\[segments=(\d+)/.exec(analyze.metrics)?.[1]);
    };
    // Two parts of 200,000 rows: the first, twice as many, and the rest.
    assert.ok((await segments("apart")) <= 6);
    for (const table of ["together", "woven", "again"]) assert.ok((await segments(table)) > 8, table);
  });

  it("are made part by part where they may be very many, whose bounds tell it", async () => {
    const sql = (table: string, key: string) => `SELECT ${key}, sum(amount) FROM ${table} GROUP BY ${key}`;
    assert.match(await planOf(sql("many", "key"), 0), /BucketsExec: \d+ in 2\n/);
    assert.match(await planOf(sql("many", "key"), 1), /BucketsExec: \d+ in 3\n/);
    assert.doesNotMatch(await planOf(sql("together", "key"), 0), /BucketsExec/);
    assert.doesNotMatch(await planOf(sql("many", "word"), 0), /BucketsExec/);
  });

  it("are in memory in part only, where a query has little", async () => {
    const request = { profile: { execution: { target_partitions: 2 }, memory: { limit_bytes: 24 << 20 } } };
    const { session_id } = (await server.client.sendJson("/v1/sessions", request)).as<SessionDescription>();
    const sql = statements["by a key"]?.("many");
    assert.deepEqual(await server.client.rows({ sql, session_id }), await server.client.rows({ sql }));
  });

  async function planOf(sql: string, session: number): Promise<string> {
    const plan = await server.client.sendJson("/v1/queries/explain", { sql, session_id: sessions[session] });
    assert.equal(plan.status, 200, plan.text);
    return plan.as<{ physical_plan: string }>().physical_plan;
  }
});
