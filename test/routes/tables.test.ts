/** /v1/tables: the warehouse's tables and registered ones. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { TableDescription, TableList } from "../../schemas/generated/index.js";
import { demoTables } from "../../setup/demo/tables.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { writeTable } from "../fixture/tables.js";

describe("tables", () => {
  let server: TestServer;
  const outside = temporaryFolder();
  const allowed = temporaryFolder();
  const state = temporaryFolder();
  const options = { state, environment: { LAKEGATE_LOCATIONS: allowed } };

  before(async () => {
    server = await startServer(options);
    await writeTable(allowed, "numbers", [{ mode: "create", sql: "SELECT 1 AS n UNION ALL SELECT 2" }]);
    await writeTable(outside, "hidden", [{ mode: "create", sql: "SELECT 1 AS n" }]);
  });
  after(async () => {
    await server.stop();
    for (const folder of [outside, allowed, state]) rmSync(folder, { recursive: true });
  });

  const put = (name: string, body: object, headers = {}) =>
    server.client.sendJson(`/v1/tables/${name}`, body, { method: "PUT", headers });
  const list = async () => (await server.client.send("/v1/tables")).as<TableList>().items.map(({ name }) => name);

  it("lists every table of the warehouse by name", async () => {
    assert.deepEqual(await list(), demoTables.map(({ name }) => name).sort());
  });

  it("gives the list in pages", async () => {
    const first = (await server.client.send("/v1/tables?limit=4")).as<TableList>();
    assert.equal(first.items.length, 4);
    const rest = (await server.client.send(`/v1/tables?limit=4&cursor=${first.next_cursor}`)).as<TableList>();
    assert.deepEqual([rest.items.length, rest.next_cursor], [2, null]);
  });

  it("describes a table", async () => {
    const answer = await server.client.send("/v1/tables/flights");
    const table = answer.as<TableDescription>();
    assert.deepEqual(
      { ...table, timestamp: "", uri: "", properties: {}, size_bytes: 0, files: 0, created_at: "" },
      {
        name: "flights",
        uri: "",
        source: "warehouse",
        version: 6,
        timestamp: "",
        schema: {
          fields: [
            { name: "date", type: "Timestamp(Microsecond)", nullable: true },
            { name: "delay", type: "Int32", nullable: true },
            { name: "distance", type: "Int32", nullable: true },
            { name: "origin", type: "Utf8", nullable: true },
            { name: "destination", type: "Utf8", nullable: true },
            { name: "month", type: "Int32", nullable: false },
          ],
        },
        partition_columns: ["month"],
        protocol: table.protocol,
        access: { readable: true, writable: true, obstacles: [] },
        properties: {},
        files: 0,
        size_bytes: 0,
        rows: 3_000_000,
        created_at: "",
      },
    );
    assert.ok(table.protocol.reader_features.includes("timestampNtz"), answer.text);
    assert.ok(table.files >= 7 && table.size_bytes > 1_000_000);
  });

  it("describes a table as it was", async () => {
    const at = async (selection: string) =>
      (await server.client.send(`/v1/tables/airports?${selection}`)).as<TableDescription>();
    const first = await at("version=0");
    assert.deepEqual([first.version, first.rows], [0, 3372]);
    const then = await at(`timestamp=${encodeURIComponent(first.timestamp)}`);
    assert.equal(then.version, 0);
    assertProblem(await server.client.send("/v1/tables/airports?version=99"), {
      status: 404,
      code: "version_not_found",
    });
  });

  it("registers, replaces and forgets a table", async () => {
    const made = await put("counted", { uri: join(allowed, "numbers") });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.as<TableDescription>().source, "registered");
    assert.equal((await put("counted", { uri: join(allowed, "numbers") })).status, 200);
    assert.deepEqual(await server.client.rows("SELECT sum(n) AS n FROM counted"), [{ n: 3 }]);
    assert.ok((await list()).includes("counted"));
    assert.equal((await server.client.send("/v1/tables/counted", { method: "DELETE" })).status, 204);
    assertProblem(await server.client.send("/v1/tables/counted"), { status: 404, code: "table_not_found" });
    assertProblem(await server.client.query("SELECT * FROM counted"), { status: 422, code: "unknown_table" });
    assertProblem(await server.client.send("/v1/tables/counted", { method: "DELETE" }), {
      status: 404,
      code: "table_not_found",
    });
  });

  it("keeps registered tables over a restart", async () => {
    await put("kept", { uri: join(allowed, "numbers") });
    assert.equal(await server.stop(), 0);
    server = await startServer(options);
    assert.deepEqual(await server.client.rows("SELECT count(*) AS n FROM kept"), [{ n: 2 }]);
    await server.client.send("/v1/tables/kept", { method: "DELETE" });
  });

  it("honours conditions", async () => {
    const body = { uri: join(allowed, "numbers") };
    const made = await put("guarded", body, { "if-none-match": "*" });
    const tag = made.headers.get("etag") ?? "";
    assert.equal(made.status, 201, made.text);
    assert.match(tag, /^"[^"]+"$/);
    assertProblem(await put("guarded", body, { "if-none-match": "*" }), { status: 412, code: "precondition_failed" });
    assertProblem(await put("guarded", body, { "if-match": '"stale"' }), { status: 412, code: "precondition_failed" });
    const same = await server.client.send("/v1/tables/guarded", { headers: { "if-none-match": tag } });
    assert.deepEqual([same.status, same.text], [304, ""]);
    const stale = await server.client.send("/v1/tables/guarded", {
      method: "DELETE",
      headers: { "if-match": '"stale"' },
    });
    assertProblem(stale, { status: 412, code: "precondition_failed" });
    const gone = await server.client.send("/v1/tables/guarded", { method: "DELETE", headers: { "if-match": tag } });
    assert.equal(gone.status, 204);
  });

  it("changes a table's tag with each commit", async () => {
    await writeTable(allowed, "tagged", [{ mode: "create", sql: "SELECT 1 AS n" }]);
    await put("tagged", { uri: join(allowed, "tagged") });
    const tag = async () => (await server.client.send("/v1/tables/tagged")).headers.get("etag");
    const before = await tag();
    assert.equal(await tag(), before);
    await writeTable(allowed, "tagged", [{ mode: "append", sql: "SELECT 2 AS n" }]);
    assert.notEqual(await tag(), before);
    await server.client.send("/v1/tables/tagged", { method: "DELETE" });
  });

  it("serves no table from outside the allowed locations", async () => {
    const uris = [
      join(outside, "hidden"),
      join(allowed, "..", "hidden"),
      `file://${outside}/hidden`,
      "/etc",
      "s3://elsewhere/table",
      "http://127.0.0.1/table",
      "memory:///table",
    ];
    for (const uri of uris) {
      assertProblem(await put("stolen", { uri }), { status: 403, code: "location_not_allowed", kind: "config" });
    }
  });

  it("says why a folder is no table", async () => {
    mkdirSync(join(allowed, "empty"));
    mkdirSync(join(allowed, "broken/_delta_log"), { recursive: true });
    writeFileSync(join(allowed, "broken/_delta_log/00000000000000000000.json"), "this is no commit");
    assertProblem(await put("bad", { uri: join(allowed, "empty") }), {
      status: 422,
      code: "table_unreadable",
      kind: "delta",
    });
    assertProblem(await put("bad", { uri: join(allowed, "missing") }), { status: 422, code: "table_unreadable" });
    assertProblem(await put("bad", { uri: join(allowed, "broken") }), {
      status: 422,
      code: "table_corrupt",
      kind: "delta",
    });
  });

  it("refuses names that are taken or no names", async () => {
    const body = { uri: join(allowed, "numbers") };
    assertProblem(await put("flights", body), { status: 409, code: "name_taken" });
    for (const name of ["1st", "a-b", "%20", "a".repeat(129)]) {
      assertProblem(await put(name, body), { status: 400, code: "invalid_request" });
    }
    assertProblem(await server.client.send("/v1/tables/flights", { method: "DELETE" }), {
      status: 409,
      code: "name_taken",
    });
  });

  it("never shows storage options", async () => {
    const made = await put("secretive", {
      uri: join(allowed, "numbers"),
      storage_options: { aws_secret_access_key: "canary-1" },
    });
    const shown = [made, await server.client.send("/v1/tables/secretive"), await server.client.send("/v1/tables")];
    for (const { text } of shown) assert.doesNotMatch(text, /canary-1|storage_options/);
    assert.doesNotMatch(server.output(), /canary-1/);
  });
});
