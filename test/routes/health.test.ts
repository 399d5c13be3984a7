/** /health, and how the server starts and ends. */
import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Liveness, QueryAnswer, QueryList, Readiness } from "../../schemas/generated/index.js";
import type { Answer } from "../fixture/client.js";
import { assertProblem } from "../fixture/problem.js";
import { failingStart, startServer, type TestServer, temporaryFolder } from "../fixture/server.js";

describe("health", () => {
  it("is live and ready, and ends well on SIGTERM", async () => {
    const server = await startServer();
    const live = await server.client.send("/health/live");
    assert.deepEqual([live.status, live.as<Liveness>()], [200, { status: "ok" }]);
    const ready = await server.client.send("/health/ready");
    assert.deepEqual([ready.status, ready.as<Readiness>()], [200, { ready: true, reasons: [] }]);
    assert.equal(await server.stop(), 0);
  });

  it("lets a running query end when it is told to stop", async () => {
    const server = await startServer();
    const running = server.client.query("SELECT count(DISTINCT date) AS n FROM flights");
    await new Promise((resolve) => setTimeout(resolve, 50));
    const stopped = server.stop();
    assert.equal((await running).status, 200);
    assert.equal(await stopped, 0);
  });

  it("takes nothing new while it drains, says so, and lets what runs end", async () => {
    const server = await startServer({ environment: { LAKEGATE_DRAIN_MS: "30000" } });
    const running = server.client.query(busy(20_000));
    await started(server);
    const stopped = server.stop();
    const notReady = await until(server, "/health/ready", ({ status }) => status === 503);
    assert.deepEqual(notReady.as<Readiness>(), { ready: false, reasons: ["The service is shutting down."] });
    assert.equal((await server.client.send("/health/live")).status, 200);
    const refused = await server.client.query("SELECT 1");
    assertProblem(refused, { status: 503, code: "service_unavailable" });
    assert.equal(refused.headers.get("retry-after"), "1");
    const answer = await running;
    assert.deepEqual([answer.status, answer.as<QueryAnswer>().row_count], [200, 1]);
    assert.equal(await stopped, 0);
  });

  it("cancels what still runs at the deadline, and ends well", async () => {
    const server = await startServer({ environment: { LAKEGATE_DRAIN_MS: "300" } });
    const running = server.client.query(busy(20_000_000));
    await started(server);
    const stopped = server.stop();
    assertProblem(await running, { status: 409, code: "query_canceled" });
    assert.equal(await stopped, 0);
  });

  it("isn't ready, and doesn't start, where the disk has no room", async () => {
    const state = temporaryFolder();
    const environment = { LAKEGATE_STATE: state, LAKEGATE_DISK_RESERVE: "99999GiB" };
    const { code, output } = await failingStart(environment);
    assert.equal(code, 1);
    assert.match(output, /The disk of the state folder is full: \d+ bytes are free/);
    rmSync(state, { recursive: true });
  });

  it("says why it isn't ready while its warehouse is gone", async () => {
    const warehouse = temporaryFolder();
    const server = await startServer({ warehouse });
    renameSync(warehouse, `${warehouse}-away`);
    const { status, text } = await server.client.send("/health/ready");
    assert.deepEqual(
      [status, JSON.parse(text)],
      [503, { ready: false, reasons: ["The warehouse can't be read: ENOENT."] }],
    );
    renameSync(`${warehouse}-away`, warehouse);
    assert.equal((await server.client.send("/health/ready")).status, 200);
    await server.stop();
    rmSync(warehouse, { recursive: true });
  });

  it("doesn't start where its state can't be kept, and says where", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "file"), "");
    const { code, output } = await failingStart({ LAKEGATE_STATE: join(folder, "file", "state") });
    assert.equal(code, 1);
    assert.match(output, /The state folder .*file.state can't be written: .*Set LAKEGATE_STATE/);
    rmSync(folder, { recursive: true });
  });

  it("says what is wrong with its settings, and does not start", async () => {
    const cases = {
      PORT: "http",
      HOST: "0.0.0.0",
      LAKEGATE_WAREHOUSE: "/nowhere/at/all",
      LAKEGATE_LOG_LEVEL: "loud",
      LAKEGATE_WAREHOUS: "/tmp",
    };
    for (const [name, value] of Object.entries(cases)) {
      const { code, output } = await failingStart({ [name]: value });
      assert.notEqual(code, 0, name);
      assert.match(output, new RegExp(name === "LAKEGATE_WAREHOUSE" ? "warehouse" : name, "i"));
      assert.doesNotMatch(output, /\n\s+at /, "no stack");
    }
  });
});

/** A statement that takes the longer the greater `size` is. */
function busy(size: number): string {
  const rows = `generate_series(1, ${size}) a, generate_series(1, 20000) b`;
  return `SELECT count(*) AS n FROM ${rows} WHERE a.value * b.value % 7 = 3`;
}

/** Until a query runs. */
async function started(server: TestServer): Promise<void> {
  await until(server, "/v1/queries?status=RUNNING", (answer) => answer.as<QueryList>().items.length > 0);
}

async function until(server: TestServer, path: string, isThere: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await server.client.send(path);
    if (isThere(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
