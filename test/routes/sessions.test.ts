/** /v1/sessions: settings that queries run with, and how long they last. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { ExplainAnswer, QueryAnswer, SessionDescription, SessionList } from "../../schemas/generated/index.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer } from "../fixture/server.js";

describe("sessions", () => {
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const create = async (request: object) => {
    const answer = await server.client.sendJson("/v1/sessions", request);
    assert.equal(answer.status, 201, answer.text);
    const session = answer.as<SessionDescription>();
    assert.equal(answer.headers.get("location"), `/v1/sessions/${session.session_id}`);
    return session;
  };
  const path = ({ session_id }: SessionDescription) => `/v1/sessions/${session_id}`;

  it("makes a session, shows it and ends it", async () => {
    const session = await create({ profile: { execution: { target_partitions: 3 } }, ttl_seconds: 60 });
    assert.equal(session.profile.execution?.target_partitions, 3);
    const life = Date.parse(session.expires_at) - Date.parse(session.created_at);
    assert.ok(Math.abs(life - 60_000) < 1000, `${life} ms`);
    const shown = (await server.client.send(path(session))).as<SessionDescription>();
    assert.equal(shown.session_id, session.session_id);
    const { items } = (await server.client.send("/v1/sessions")).as<SessionList>();
    assert.ok(items.some(({ session_id }) => session_id === session.session_id));
    assert.equal((await server.client.send(path(session), { method: "DELETE" })).status, 204);
    assertProblem(await server.client.send(path(session)), { status: 404, code: "session_not_found" });
    const query = await server.client.query({ sql: "SELECT 1", session_id: session.session_id });
    assertProblem(query, { status: 404, code: "session_not_found" });
  });

  it("fills in every setting", async () => {
    const { profile } = await create({});
    assert.ok(Number(profile.execution?.target_partitions) >= 1);
    assert.ok(Number(profile.execution?.batch_size) >= 1);
    assert.ok(Number(profile.memory?.limit_bytes) > 0);
    assert.ok(profile.execution?.time_zone);
  });

  it("has the fingerprint of its settings, whoever gave them", async () => {
    const plain = await create({});
    const spelt = await create({ profile: plain.profile, ttl_seconds: 60 });
    const other = await create({ profile: { execution: { time_zone: "Europe/Paris" } } });
    assert.match(plain.profile_fingerprint, /^[0-9a-f]{64}$/);
    assert.equal(spelt.profile_fingerprint, plain.profile_fingerprint);
    assert.notEqual(other.profile_fingerprint, plain.profile_fingerprint);
  });

  it("runs queries with its defaults", async () => {
    const { session_id } = await create({ profile: { defaults: { row_limit: 5 } } });
    const run = async (request: object) =>
      (await server.client.query({ sql: "SELECT * FROM stocks", session_id, ...request })).as<QueryAnswer>();
    const limited = await run({});
    assert.deepEqual([limited.row_count, limited.truncated], [5, true]);
    assert.equal((await run({ row_limit: 8 })).row_count, 8);
  });

  it("plans with its partitions", async () => {
    const { session_id } = await create({ profile: { execution: { target_partitions: 5 } } });
    const sql = "SELECT origin, count(*) FROM flights GROUP BY origin";
    const answer = await server.client.sendJson("/v1/queries/explain", { sql, session_id });
    assert.match(answer.as<ExplainAnswer>().physical_plan, /Hash\(\[origin@0\], 5\)/);
  });

  it("understands times in its zone", async () => {
    const { session_id } = await create({ profile: { execution: { time_zone: "Asia/Tokyo" } } });
    const sql = "SELECT CAST(TIMESTAMP '2024-01-01 00:00:00' AS TIMESTAMP WITH TIME ZONE) AS t";
    const answer = await server.client.query({ sql, session_id });
    assert.match(answer.text, /2024-01-01T00:00:00\+09:00/);
  });

  it("keeps a query within its memory", async () => {
    const { session_id } = await create({ profile: { memory: { limit_bytes: 2 ** 20 } } });
    const sql = "SELECT a.date, array_agg(b.origin) FROM flights a JOIN flights b ON a.date = b.date GROUP BY a.date";
    assertProblem(await server.client.query({ sql, session_id }), { status: 422, code: "memory_exceeded" });
  });

  it("ends a session that is not used", async () => {
    const session = await create({ ttl_seconds: 1 });
    await pause(600);
    assert.equal((await server.client.query({ sql: "SELECT 1", session_id: session.session_id })).status, 200);
    await pause(600);
    assert.equal((await server.client.query({ sql: "SELECT 1", session_id: session.session_id })).status, 200);
    await pause(1300);
    assertProblem(await server.client.send(path(session)), { status: 404, code: "session_not_found" });
  });

  it("refuses settings that it does not know or that make no sense", async () => {
    const requests = [
      { profile: { execution: { target_partition: 2 } } },
      { profile: { execution: { target_partitions: 0 } } },
      { profile: { execution: { target_partitions: "2" } } },
      { ttl_seconds: -1 },
      { profil: {} },
    ];
    for (const request of requests) {
      const problem = assertProblem(await server.client.sendJson("/v1/sessions", request), {
        status: 400,
        code: "invalid_request",
      });
      assert.match(problem.errors?.[0]?.pointer ?? "", /^\//);
    }
    const nowhere = await server.client.sendJson("/v1/sessions", {
      profile: { execution: { time_zone: "Mars/Olympus" } },
    });
    assert.ok(nowhere.status === 400 || nowhere.status === 422, nowhere.text);
  });
});
