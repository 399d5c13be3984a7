/** The process that serves ends by itself: another takes its place, and what ran is known. */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isRunning } from "../../bench/process-facts.js";
import type { QueryAcceptance } from "../../schemas/generated/index.js";
import { crashWorker, killServer } from "../faults/killed.js";
import { endless, quarantine, running, statusOf } from "../faults/running.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";

describe("a worker that ends by itself", () => {
  const state = temporaryFolder();
  let server: TestServer;

  before(async () => {
    server = await startServer({ state, environment: { LAKEGATE_LOG_LEVEL: "warn" } });
  });
  after(async () => {
    await server.stop();
    rmSync(state, { recursive: true, force: true });
  });

  /** What is cancelled runs until a step of it is over. */
  const atRest = async () => {
    while (readFileSync(join(state, "running.jsonl")).length > 0) await pause(20);
  };

  it("is replaced at the same address, and the statement that ran alone is refused from then on", async () => {
    const sql = endless(1);
    const id = await running(server.client, sql);
    await crashWorker(server, "SIGSEGV");
    const { status, error } = await statusOf(server.client, id);
    assert.deepEqual([status, error?.code], ["FAILED", "engine_crashed"]);
    const result = await server.client.send(`/v1/queries/${id}/result`);
    assertProblem(result, { status: 500, code: "engine_crashed" });
    assert.deepEqual(await server.client.rows("SELECT 1 AS one"), [{ one: 1 }]);
    const refused = await server.client.query(sql);
    const problem = assertProblem(refused, { status: 422, code: "statement_quarantined" });
    assert.equal(problem.details?.query_id, id);
    assertProblem(await server.client.sendJson("/v1/queries/explain", { sql }), {
      status: 422,
      code: "statement_quarantined",
    });
    const [entry] = await quarantine(server.client);
    assert.deepEqual([entry?.status, entry?.sql, entry?.lost, entry?.query_id], ["quarantined", sql, "SIGSEGV", id]);
  });

  it("has a statement run again that is taken out of quarantine", async () => {
    const [entry] = await quarantine(server.client);
    assert.equal((await server.client.send(`/v1/quarantine/${entry?.id}`, { method: "DELETE" })).status, 204);
    assert.deepEqual(await quarantine(server.client), []);
    assertProblem(await server.client.send(`/v1/quarantine/${entry?.id}`, { method: "DELETE" }), {
      status: 404,
      code: "quarantine_not_found",
    });
    const id = await running(server.client, endless(1));
    await server.client.send(`/v1/queries/${id}`, { method: "DELETE" });
    await atRest();
  });

  it("has suspects run one at a time, which tells them apart", async () => {
    const [guilty, innocent] = [
      "SELECT count(*) AS n FROM generate_series(1, 300000) a JOIN generate_series(1, 30000) b ON a.value <> b.value",
      "SELECT count(*) AS n FROM generate_series(1, 30000) a JOIN generate_series(1, 30000) b ON a.value <> b.value",
    ];
    await Promise.all([guilty, innocent].map((sql) => running(server.client, sql)));
    await crashWorker(server, "SIGABRT");
    const statuses = async () => (await quarantine(server.client)).map(({ status, sql }) => [sql, status]);
    assert.deepEqual(
      (await statuses()).sort(),
      [
        [guilty, "suspected"],
        [innocent, "suspected"],
      ].sort(),
    );
    await running(server.client, guilty);
    const waiting = await server.client.query({ sql: innocent, wait_timeout_ms: 0 });
    const bystander = await running(server.client, endless(2));
    assert.equal((await statusOf(server.client, waiting.as<QueryAcceptance>().query_id)).status, "PENDING");
    await crashWorker(server, "SIGABRT");
    assert.deepEqual(
      (await statuses()).sort(),
      [
        [guilty, "quarantined"],
        [innocent, "suspected"],
      ].sort(),
    );
    assert.equal((await statusOf(server.client, bystander)).error?.code, "engine_crashed");
    assert.equal((await server.client.query(innocent)).status, 200);
    assert.deepEqual(await statuses(), [[guilty, "quarantined"]]);
  });

  it("blames nobody for a kill from outside, nor for its end at a stop", async () => {
    await running(server.client, endless(3));
    await crashWorker(server, "SIGKILL");
    assert.deepEqual((await quarantine(server.client)).map(({ status }) => status).sort(), [
      "quarantined",
      "suspected",
    ]);
  });
});

describe("a supervisor", () => {
  it("ends its worker with itself", async () => {
    const server = await startServer();
    const { pid, supervisor } = server;
    process.kill(supervisor, "SIGKILL");
    while (isRunning(pid)) await pause(5);
  });

  it("passes on a stop, and doesn't wait at the second", async () => {
    const server = await startServer();
    await running(server.client, endless(1));
    const { pid, supervisor } = server;
    process.kill(supervisor, "SIGINT");
    while (
      await server.client.send("/health/ready").then(
        () => true,
        () => false,
      )
    )
      await pause(5);
    assert.ok(isRunning(pid), "it drains");
    process.kill(supervisor, "SIGINT");
    while (isRunning(pid) || isRunning(supervisor)) await pause(5);
    await killServer(server);
  });

  it("leaves a worker alone that is told to stop by someone else", async () => {
    const server = await startServer();
    process.kill(server.pid, "SIGTERM");
    assert.deepEqual(await server.client.rows("SELECT 1 AS one"), [{ one: 1 }]);
    assert.equal(await server.stop(), 0);
  });
});
