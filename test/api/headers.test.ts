/** What browsers are told about every answer, and which sites' pages may ask. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { readConfig } from "../../api/config.js";
import { startServer, type TestServer } from "../fixture/server.js";

const paths = [
  "/v1/tables",
  "/v1/nothing",
  "/v1/query?sql=SELECT%201",
  "/v1/queries/unknown",
  "/health/live",
  "/metrics",
];

describe("security headers", () => {
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  it("are on every answer, also on hits that are sent again", async () => {
    for (const path of [...paths, ...paths]) {
      const { headers } = await server.client.send(path, { headers: { "accept-encoding": "identity" } });
      assert.equal(headers.get("content-security-policy"), "default-src 'none';frame-ancestors 'none'", path);
      assert.equal(headers.get("x-content-type-options"), "nosniff", path);
      assert.equal(headers.get("cross-origin-resource-policy"), "same-origin", path);
    }
    const page = await server.client.send("/docs/");
    assert.match(page.headers.get("content-security-policy") ?? "", /script-src 'self';.*frame-ancestors 'none'/);
    assert.equal(page.headers.get("cross-origin-opener-policy"), "same-origin");
    assert.equal(page.headers.get("referrer-policy"), "no-referrer");
  });

  it("let pages of no other site in", async () => {
    const headers = { origin: "https://app.example" };
    for (const path of paths)
      assert.equal((await server.client.send(path, { headers })).headers.get("access-control-allow-origin"), null);
    const preflight = await server.client.send("/v1/queries", { method: "OPTIONS", headers });
    assert.equal(preflight.headers.get("access-control-allow-origin"), null);
  });
});

describe("pages of other sites", () => {
  it("may ask where the settings name them, and nowhere else", async () => {
    const LAKEGATE_CORS_ORIGINS = "https://app.example, http://localhost:3000";
    const server = await startServer({ environment: { LAKEGATE_CORS_ORIGINS } });
    const allowed = async (origin: string, method = "GET") => {
      const headers = { origin, "access-control-request-method": "POST" };
      const answer = await server.client.send("/v1/query?sql=SELECT%201", { method, headers });
      if (method === "GET") assert.match(answer.headers.get("vary") ?? "", /origin/i);
      return answer.headers.get("access-control-allow-origin");
    };
    for (const method of ["GET", "OPTIONS"]) {
      assert.equal(await allowed("https://app.example", method), "https://app.example");
      assert.equal(await allowed("http://localhost:3000", method), "http://localhost:3000");
      for (const origin of ["https://app.example.evil", "http://app.example", "null", "https://evil.example"])
        assert.notEqual(await allowed(origin, method), origin);
    }
    await server.stop();
  });

  it("may ask whether they may ask without a key, and see why they may not", async () => {
    const environment = { LAKEGATE_CORS_ORIGINS: "https://app.example", LAKEGATE_AUTH: "keys" };
    const server = await startServer({ environment });
    const headers = {
      origin: "https://app.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
    };
    const preflight = await server.client.send("/v1/queries", { method: "OPTIONS", headers });
    assert.equal(preflight.status, 204);
    assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /authorization/);
    const refused = await server.client.send("/v1/tables", { headers });
    assert.deepEqual([refused.status, refused.headers.get("access-control-allow-origin")], [401, headers.origin]);
    await server.stop();
  });

  it("are named whole", () => {
    for (const origins of ["*", "app.example", "https://app.example/", "https://*.example"])
      assert.throws(() => readConfig({ LAKEGATE_CORS_ORIGINS: origins }), /must be origins such as/);
  });
});
