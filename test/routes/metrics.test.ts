/** /metrics: the figures of the service. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startServer } from "../fixture/server.js";

describe("metrics", () => {
  it("count requests by route and status, queries, hits and what the process takes", async () => {
    const server = await startServer();
    const { client } = server;
    const figure = async (name: string) => {
      const { text } = await client.send("/metrics");
      const [line = ""] = text.split("\n").filter((each) => each.startsWith(`${name} `));
      return Number(line.slice(name.length));
    };
    const of = (method: string, route: string, status: number) =>
      `lakegate_http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"}`;
    assert.equal((await client.query("SELECT 41 AS one")).status, 200);
    assert.equal((await client.query("SELECT 41 AS one")).status, 200);
    assert.equal((await client.query("SELECT nothing")).status, 422);
    assert.equal((await client.send("/v1/tables/flights")).status, 200);
    assert.equal((await client.send("/v1/made/up")).status, 404);
    assert.equal(await figure(of("POST", "/v1/queries", 200)), 2);
    assert.equal(await figure(of("POST", "/v1/queries", 422)), 1);
    assert.equal(await figure(of("GET", "/v1/tables/:name", 200)), 1);
    assert.equal(await figure('lakegate_result_cache_uses_total{status="hit"}'), 1);
    assert.equal(await figure('lakegate_queries{state="running"}'), 0);
    assert.ok((await figure("process_resident_memory_bytes")) > 1e7);
    assert.ok((await figure("nodejs_eventloop_lag_p99_seconds")) >= 0);
    const identity = { headers: { "accept-encoding": "identity" } };
    for (let again = 0; again < 4; again += 1) await client.send("/v1/query?sql=SELECT%2042", identity);
    const { headers, text } = await client.send("/metrics");
    assert.match(headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    assert.doesNotMatch(text, /flights|made|SELECT/);
    await server.stop();
  });
});
