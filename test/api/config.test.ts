/** What the environment turns into, and how a wrong setting is refused. */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { readConfig } from "../../api/config.js";

describe("configuration", () => {
  it("has a default for everything", () => {
    const { host, port, app, engine } = readConfig({});
    assert.deepEqual([host, port, app.bodyLimit], ["127.0.0.1", 8080, 8 * 2 ** 20]);
    assert.equal(engine.config.warehouse, resolve("warehouse"));
    assert.equal(engine.config.memory_limit_bytes, 2 ** 30);
    assert.equal(engine.config.snapshot_cache_bytes, 2 ** 28);
    assert.equal(engine.config.limits.timeout_ms, 300_000);
  });

  it("reads sizes, lists and folders", () => {
    const { engine } = readConfig({
      LAKEGATE_MEMORY_LIMIT: "512MiB",
      LAKEGATE_SPILL_LIMIT: "1000",
      LAKEGATE_SNAPSHOT_CACHE: "64MiB",
      LAKEGATE_LOCATIONS: " lake , s3://bucket/prefix ,",
    });
    assert.equal(engine.config.memory_limit_bytes, 2 ** 29);
    assert.equal(engine.config.spill_limit_bytes, 1000);
    assert.equal(engine.config.snapshot_cache_bytes, 2 ** 26);
    assert.deepEqual(engine.config.locations, [resolve("lake"), "s3://bucket/prefix"]);
  });

  it("takes an empty setting for an absent one", () => {
    assert.equal(readConfig({ PORT: "" }).port, 8080);
  });

  const refused: readonly [string, string, RegExp][] = [
    ["HOST", "0.0.0.0", /^HOST 0\.0\.0\.0 can be reached by others.*set LAKEGATE_AUTH=keys/],
    ["LAKEGATE_AUTH", "password", /^LAKEGATE_AUTH must be none, keys, jwt or keys,jwt/],
    ["LAKEGATE_AUTH", "none,keys", /^LAKEGATE_AUTH must be none, keys, jwt/],
    ["LAKEGATE_AUTH", "jwt", /^LAKEGATE_AUTH=jwt needs LAKEGATE_JWT_JWKS/],
    ["PORT", "http", /^PORT must be a port number from 0 to 65535, not "http"/],
    ["PORT", "65536", /^PORT must be a port number/],
    ["LAKEGATE_MEMORY_LIMIT", "much", /^LAKEGATE_MEMORY_LIMIT must be a number of bytes/],
    ["LAKEGATE_QUERY_TIMEOUT_MS", "0", /^LAKEGATE_QUERY_TIMEOUT_MS must be milliseconds/],
    ["LAKEGATE_LOG_LEVEL", "loud", /^LAKEGATE_LOG_LEVEL must be one of fatal/],
    ["LAKEGATE_WAREHOSE", "x", /^LAKEGATE_WAREHOSE is not a setting; did you mean LAKEGATE_WAREHOUSE\?/],
  ];
  for (const [name, value, message] of refused) {
    it(`refuses ${name}=${value}`, () => assert.throws(() => readConfig({ [name]: value }), { message }));
  }
});
