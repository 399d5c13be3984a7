/** /v1/registries: sizes and fingerprints, and the catalog as one document that is restored whole or not at all. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { RegistryList, RegistrySnapshot, RestoreReport } from "../../schemas/generated/index.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { Writing } from "../fixture/writing.js";

describe("registries", () => {
  const warehouse = temporaryFolder();
  let server: TestServer;
  let table = "";

  before(async () => {
    server = await startServer({ warehouse });
    table = await new Writing(() => server.client).table();
    const views = {
      above: { sql: "SELECT n + 1 AS n FROM below" },
      below: { sql: `SELECT count(*) AS n FROM ${table}`, cache_policy: "memory" },
    };
    const answer = await restore({ views });
    assert.deepEqual(answer.as<RestoreReport>(), { created: 2, replaced: 0, removed: 0 });
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true });
  });

  const restore = (catalog: object, mode = "merge") =>
    server.client.sendJson(`/v1/registries/snapshot?mode=${mode}`, catalog, { method: "PUT" });
  const snapshot = async (path = "/v1/registries/snapshot") => (await server.client.send(path)).as<RegistrySnapshot>();

  it("are listed with their sizes and fingerprints", async () => {
    const answer = await server.client.send("/v1/registries");
    const { items, fingerprint } = answer.as<RegistryList>();
    assert.equal(items.find(({ kind }) => kind === "views")?.size, 2);
    assert.equal(answer.headers.get("etag"), `"${fingerprint}"`);
    const headers = { "if-none-match": `"${fingerprint}"` };
    assert.equal((await server.client.send("/v1/registries", { headers })).status, 304);
  });

  it("are exported and restored, entry for entry", async () => {
    const { catalog, fingerprint } = await snapshot();
    assert.equal((await restore(catalog, "replace")).as<RestoreReport>().replaced, 2);
    assert.equal((await snapshot()).fingerprint, fingerprint);
    const emptied = await restore({ views: {} }, "replace");
    assert.deepEqual(emptied.as<RestoreReport>(), { created: 0, replaced: 0, removed: 2 });
    assert.notEqual((await snapshot()).fingerprint, fingerprint);
    assert.equal((await restore(catalog)).as<RestoreReport>().created, 2);
    assert.equal((await snapshot()).fingerprint, fingerprint);
    assert.deepEqual(await server.client.rows("SELECT n FROM above"), [{ n: 4 }]);
  });

  it("hold contracts, semantic models and parameter tables too", async () => {
    const columns = [{ name: "id", dtype: "Int64" }];
    const metrics = [{ name: "rows", expression: "count(*)" }];
    const texts = { semantic_id: "m", kind: "fact", entity: "row", version: "1", stability: "stable" };
    const added = {
      parameter_tables: { wanted: { key_column: "id", columns } },
      contracts: { kept: { columns, policy: "relaxed", table } },
      semantics: { model: { ...texts, grain: ["id"], relation: table, schema_ref: "kept", metrics } },
    };
    assert.equal((await restore(added)).as<RestoreReport>().created, 3);
    const { catalog, fingerprint } = await snapshot();
    const kinds = ["parameter_tables", "contracts", "semantics"] as const;
    for (const kind of kinds) assert.equal(Object.keys(catalog[kind] ?? {}).length, 1, kind);
    const none = { parameter_tables: {}, contracts: {}, semantics: {} };
    assert.equal((await restore(none, "replace")).as<RestoreReport>().removed, 3);
    assert.equal((await restore(catalog)).as<RestoreReport>().created, 3);
    assert.equal((await snapshot()).fingerprint, fingerprint);
    assert.equal((await restore(none, "replace")).as<RestoreReport>().removed, 3);
  });

  it("export one kind alone", async () => {
    const { catalog } = await snapshot("/v1/registries/views/snapshot");
    assert.deepEqual(Object.keys(catalog), ["views"]);
    assert.deepEqual(Object.keys(catalog.views ?? {}), ["below", "above"]);
    assertProblem(await server.client.send("/v1/registries/nothing/snapshot"), {
      status: 400,
      code: "invalid_request",
    });
  });

  it("stay as they were where an entry is refused, which is named", async () => {
    const before = await snapshot();
    const views = {
      below: { sql: "SELECT 7 AS n" },
      added: { sql: "SELECT 1 AS one" },
      wrong: { sql: "SELECT x FROM added" },
    };
    const problem = assertProblem(await restore({ views }), { status: 422, code: "unknown_column" });
    assert.deepEqual([problem.details?.registry, problem.details?.entry], ["views", "wrong"]);
    assert.deepEqual(await snapshot(), before);
    assert.deepEqual(await server.client.rows("SELECT n FROM above"), [{ n: 4 }]);
    const misspelt = assertProblem(await restore({ views: { one: { sq: "SELECT 1" } } }), {
      status: 400,
      code: "invalid_request",
    });
    assert.ok(misspelt.errors?.some(({ pointer }) => pointer.startsWith("/views/one")));
  });

  it("keep the secrets of tables to themselves, and the tables theirs", async () => {
    const registration = { uri: table, storage_options: {}, gate: { min_reader_version: 1 } };
    const put = await server.client.sendJson("/v1/tables/again", registration, { method: "PUT" });
    assert.equal(put.status, 201, put.text);
    const { catalog } = await snapshot("/v1/registries/tables/snapshot");
    const { again } = catalog.tables ?? {};
    assert.deepEqual([again?.uri, again?.gate?.min_reader_version, again?.storage_options], [table, 1, undefined]);
    assert.equal((await restore(catalog)).as<RestoreReport>().replaced, 1);
    assert.deepEqual(await server.client.rows("SELECT count(*) AS n FROM again"), [{ n: 3 }]);
    assert.equal((await restore({ tables: {} }, "replace")).as<RestoreReport>().removed, 1);
  });
});
