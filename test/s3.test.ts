/** Tables on S3: registered with their own keys, always at their newest commit, and without a leak of a secret. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { TableDescription } from "../schemas/generated/index.js";
import { withEngine } from "../setup/local-engine.js";
import { assertProblem } from "./fixture/problem.js";
import { withoutPython } from "./fixture/python.js";
import { type S3Access, S3Server } from "./fixture/s3.js";
import { startServer, type TestServer } from "./fixture/server.js";

describe("tables on S3", { skip: withoutPython }, () => {
  let s3: S3Server;
  let access: S3Access;
  let server: TestServer;

  before(async () => {
    s3 = new S3Server();
    access = await s3.start();
    server = await startServer({
      environment: { LAKEGATE_LOCATIONS: `s3://${access.bucket}/open`, LAKEGATE_S3_ENDPOINTS: access.endpoint },
    });
    await s3.append("open/numbers", [1, 2, 3]);
  });
  after(async () => {
    await server.stop();
    await s3.stop();
  });

  const register = (name: string, options: Record<string, string> = {}, folder = "open/numbers") =>
    server.client.sendJson(
      `/v1/tables/${name}`,
      { uri: `s3://${access.bucket}/${folder}`, storage_options: { ...access.options, ...options } },
      { method: "PUT" },
    );
  const total = () => server.client.rows("SELECT count(*) AS n, sum(n) AS total FROM numbers");

  it("serves a table with the keys it was registered with", async () => {
    const made = await register("numbers");
    assert.equal(made.status, 201, made.text);
    assert.equal(made.as<TableDescription>().uri, `s3://${access.bucket}/open/numbers`);
    assert.deepEqual(await total(), [{ n: 3, total: 6 }]);
  });

  it("sees what another writer commits", async () => {
    assert.deepEqual(await s3.append("open/numbers", [36]), { version: 1 });
    assert.deepEqual(await total(), [{ n: 4, total: 42 }]);
    const before = { sql: "SELECT count(*) AS n FROM numbers", tables: { numbers: { version: 0 } } };
    assert.deepEqual(await server.client.rows(before), [{ n: 3 }]);
  });

  it("relies on conditional puts, which the store honours", async () => {
    assert.equal(await s3.stalePut("open/numbers"), 412);
    assert.deepEqual(await total(), [{ n: 4, total: 42 }]);
  });

  it("writes with conditional puts itself: of eight writers at once, none is lost", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lakegate-s3-"));
    const uri = `s3://${access.bucket}/open/contended`;
    writeFileSync(join(folder, "one.ndjson"), '{"n": 1}\n');
    const write = {
      uri,
      storage_options: access.options,
      sources: { one: { path: join(folder, "one.ndjson"), format: "ndjson" as const } },
      sql: "SELECT n FROM one",
    };
    await withEngine(
      folder,
      async (engine) => {
        await engine.write({ ...write, mode: "create" });
        await Promise.all(Array.from({ length: 8 }, () => engine.write({ ...write, mode: "append" })));
      },
      { locations: [`s3://${access.bucket}/open`], s3_endpoints: [access.endpoint] },
    );
    rmSync(folder, { recursive: true });
    const made = await register("contended", {}, "open/contended");
    assert.ok(made.as<TableDescription>().version <= 8, made.text);
    assert.deepEqual(await server.client.rows("SELECT count(*) AS n FROM contended"), [{ n: 9 }]);
  });

  it("makes a table over HTTP, writes to it and keeps its keys to itself", async () => {
    const made = await server.client.sendJson(
      "/v1/tables/readings",
      {
        columns: [{ name: "id", dtype: "Int64" }],
        uri: `s3://${access.bucket}/open/readings`,
        storage_options: access.options,
      },
      { method: "PUT" },
    );
    assert.equal(made.status, 201, made.text);
    const answers = await Promise.all(
      [1, 2, 3, 4].map((id) => server.client.sendJson("/v1/tables/readings/rows", [{ id }])),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    );
    const deleted = await server.client.sendJson("/v1/tables/readings/delete", { predicate: "id = 1" });
    assert.equal(deleted.status, 200, deleted.text);
    assert.deepEqual(await server.client.rows("SELECT sum(id) AS total FROM readings"), [{ total: 9 }]);
    const registration = { uri: `s3://${access.bucket}/open/readings`, storage_options: access.options };
    assert.equal((await server.client.send("/v1/tables/readings?purge=true", { method: "DELETE" })).status, 204);
    const again = await server.client.sendJson("/v1/tables/readings", registration, { method: "PUT" });
    assertProblem(again, { status: 422, code: "table_unreadable" });
    for (const text of [made.text, deleted.text, server.output()])
      assert.ok(!text.includes(access.options["aws_secret_access_key"] ?? "?"));
  });

  it("refuses wrong keys and keeps them to itself", async () => {
    const secret = "canary-of-a-secret";
    const answer = await register("wrong", { aws_secret_access_key: secret });
    assertProblem(answer, { status: 422, code: "table_unreadable", kind: "delta" });
    for (const text of [answer.text, server.output(), (await server.client.send("/v1/tables")).text]) {
      assert.ok(!text.includes(secret) && !text.includes(access.options["aws_secret_access_key"] ?? "?"));
    }
  });

  it("refuses a table without keys instead of looking for the server's own", async () => {
    const uri = `s3://${access.bucket}/open/numbers`;
    const { aws_endpoint = "" } = access.options;
    const answer = await server.client.sendJson(
      "/v1/tables/keyless",
      { uri, storage_options: { aws_endpoint, aws_allow_http: "true" } },
      { method: "PUT" },
    );
    assertProblem(answer, { status: 422, code: "table_unreadable" });
  });

  it("refuses other buckets, prefixes, endpoints and options", async () => {
    assertProblem(await register("other", {}, "closed/numbers"), { status: 403, code: "location_not_allowed" });
    assertProblem(await register("other", {}, "opened/numbers"), { status: 403, code: "location_not_allowed" });
    const elsewhere = await register("other", { aws_endpoint: "http://127.0.0.1:1" });
    assertProblem(elsewhere, { status: 403, code: "location_not_allowed" });
    const metadata = await register("other", { aws_metadata_endpoint: access.endpoint });
    assert.ok(metadata.status >= 400 && metadata.status < 500, metadata.text);
  });

  it("says that there is no table", async () => {
    assertProblem(await register("missing", {}, "open/missing"), { status: 422, code: "table_unreadable" });
  });

  it("calls a store that does not answer unavailable", async () => {
    await s3.vanish();
    const answer = await server.client.query({ sql: "SELECT count(*) FROM numbers", timeout_ms: 20_000 });
    assert.ok([503, 504].includes(answer.status), answer.text);
    assert.deepEqual(await server.client.rows("SELECT 1 AS one"), [{ one: 1 }]);
  });
});
