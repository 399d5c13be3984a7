/** Requests that are repeated under an Idempotency-Key: what they start is started once. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { QueryAcceptance, QueryAnswer, QueryStatus, SessionDescription } from "../../schemas/generated/index.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";

const endless =
  "SELECT count(*) AS n FROM generate_series(1, 3000000) a JOIN generate_series(1, 3000000) b ON a.value <> b.value";
const numbers = "SELECT value AS n FROM generate_series(1, 1000) ORDER BY n";

describe("repeats", () => {
  const state = temporaryFolder();
  let server: TestServer;

  before(async () => {
    server = await startServer({ state });
  });
  after(() => server.stop());

  const ask = (request: object, key: string) => server.client.query(request, { "idempotency-key": key });
  const accepted = async (request: object, key: string) => {
    const answer = await ask({ wait_timeout_ms: 0, ...request }, key);
    assert.equal(answer.status, 202, answer.text);
    return answer.as<QueryAcceptance>().query_id;
  };
  const statusOf = async (id: string) => (await server.client.send(`/v1/queries/${id}`)).as<QueryStatus>().status;
  const ended = async (id: string) => {
    while (["PENDING", "RUNNING"].includes(await statusOf(id))) await pause(10);
    return statusOf(id);
  };

  describe("of queries", () => {
    it("find the one that runs, all of many at once", async () => {
      const ids = await Promise.all(Array.from({ length: 8 }, () => accepted({ sql: endless }, "running")));
      assert.equal(new Set(ids).size, 1);
      const listed = (await server.client.send("/v1/queries")).as<{ items: QueryStatus[] }>();
      assert.equal(listed.items.length, 1);
      await server.client.send(`/v1/queries/${ids[0]}`, { method: "DELETE" });
    });

    it("run again what was cancelled, under the same id", async () => {
      const first = await accepted({ sql: endless }, "cancelled");
      await server.client.send(`/v1/queries/${first}`, { method: "DELETE" });
      assert.equal(await ended(first), "CANCELED");
      assert.equal(await accepted({ sql: endless }, "cancelled"), first);
      assert.ok(["PENDING", "RUNNING"].includes(await statusOf(first)));
      await server.client.send(`/v1/queries/${first}`, { method: "DELETE" });
    });

    it("give the rows of one that has ended, also after a restart", async () => {
      const request = { sql: numbers, wait_timeout_ms: 0 };
      const first = await accepted(request, "ended");
      assert.equal(await ended(first), "SUCCEEDED");
      for (const restarts of [false, true]) {
        if (restarts) await server.stop();
        if (restarts) server = await startServer({ state });
        const answer = await ask(request, "ended");
        assert.equal(answer.status, 200, answer.text);
        const { query_id, row_count } = answer.as<QueryAnswer>();
        assert.deepEqual([query_id, row_count], [first, 1000]);
      }
    });

    it("are those of another client where the key is", async () => {
      const [one, other] = [await accepted({ sql: numbers }, "one"), await accepted({ sql: numbers }, "other")];
      assert.notEqual(one, other);
    });

    it("are refused where they ask for something else", async () => {
      await ended(await accepted({ sql: numbers }, "reused"));
      const answer = await ask({ sql: "SELECT 1" }, "reused");
      assertProblem(answer, { status: 422, code: "idempotency_key_reused", kind: "validation" });
    });
  });

  describe("of sessions", () => {
    const open = (request: object, key: string) =>
      server.client.sendJson("/v1/sessions", request, { headers: { "idempotency-key": key } });
    const opened = async (request: object, key: string) => {
      const answer = await open(request, key);
      assert.equal(answer.status, 201, answer.text);
      return answer.as<SessionDescription>().session_id;
    };

    it("find the one that is open, also after a restart", async () => {
      const request = { profile: { execution: { target_partitions: 3 } }, ttl_seconds: 900 };
      const ids = await Promise.all(Array.from({ length: 8 }, () => opened(request, "session")));
      await server.stop();
      server = await startServer({ state });
      assert.deepEqual(new Set([...ids, await opened(request, "session")]).size, 1);
      assert.notEqual(await opened(request, "another"), ids[0]);
    });

    it("open one anew where it was closed, and refuse to open another", async () => {
      const id = await opened({ ttl_seconds: 60 }, "closed");
      assertProblem(await open({ ttl_seconds: 90 }, "closed"), { status: 422, code: "idempotency_key_reused" });
      await server.client.send(`/v1/sessions/${id}`, { method: "DELETE" });
      assert.equal(await opened({ ttl_seconds: 90 }, "closed"), id);
    });
  });
});
