/** /health, and how the server starts and ends. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Liveness, Readiness } from "../../schemas/generated/index.js";
import { failingStart, startServer } from "../fixture/server.js";

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
