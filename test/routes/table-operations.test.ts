/** /v1/tables/{name}/…: every operation on rows, files and metadata of a table, its conditions and its refusals. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { encode } from "../../engine/codec.js";
import type {
  DeltaConstraintViolation,
  DeltaDataCheckReport,
  TableDescription,
  TableSchema,
} from "../../schemas/generated/index.js";
import { exchange } from "../fixture/exchange.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { commitFile } from "../fixture/tables.js";
import { flights, report, rowTypes, Writing } from "../fixture/writing.js";

describe("table operations", () => {
  let server: TestServer;
  const warehouse = temporaryFolder();
  const outside = temporaryFolder();
  const state = temporaryFolder();
  const start = () => startServer({ warehouse, state, environment: { LAKEGATE_LOCATIONS: outside } });
  const tables = new Writing(() => server.client);

  before(async () => {
    server = await start();
  });
  after(async () => {
    await server.stop();
    for (const folder of [warehouse, outside, state]) rmSync(folder, { recursive: true });
  });

  const append = async (name: string, ...ids: number[]) => {
    for (const id of ids) report(await tables.rows(name, [{ id, origin: "ORD", delay: 0 }]));
  };

  describe("on rows", () => {
    it("deletes those of a predicate, then all", async () => {
      const name = await tables.table();
      const answer = await tables.operate(name, "delete", { predicate: "delay < 0" });
      const { operation, version, snapshot, skipped } = report(answer);
      assert.deepEqual([operation, version, snapshot.version, skipped], ["DELETE", 1, 1, false]);
      assert.deepEqual(await tables.ids(name), [1, 2]);
      assert.equal(answer.headers.get("etag"), (await tables.describe(name)).tag);
      assert.equal((await tables.done(name, "delete", { predicate: "true" })).version, 2);
      assert.deepEqual(await tables.read(name), []);
    });

    it("updates those of a predicate, then all", async () => {
      const name = await tables.table();
      const { operation, version } = await tables.done(name, "update", {
        predicate: "origin = 'SEA'",
        updates: { delay: "delay + 1" },
      });
      assert.deepEqual([operation, version], ["UPDATE", 1]);
      assert.deepEqual(await tables.read(name, "delay"), [{ delay: 13 }, { delay: null }, { delay: -2 }]);
      await tables.done(name, "update", { updates: { delay: "0", origin: "'ORD'" } });
      const everywhere = flights.map(({ id }) => ({ id, origin: "ORD", delay: 0 }));
      assert.deepEqual(await tables.read(name), everywhere);
    });

    const merge = {
      predicate: "t.id = s.id",
      source_alias: "s",
      target_alias: "t",
      matched_updates: { delay: "s.delay" },
      not_matched_inserts: { id: "s.id", origin: "s.origin", delay: "s.delay" },
    };
    const incoming = [
      { id: 3, origin: "SEA", delay: 33 },
      { id: 4, origin: "LAX", delay: 44 },
    ];
    const merged = [flights[0], flights[1], ...incoming];

    it("merges rows of the body", async () => {
      const name = await tables.table();
      const { operation, version } = await tables.done(name, "merge", { ...merge, source: { rows: incoming } });
      assert.deepEqual([operation, version], ["MERGE", 1]);
      assert.deepEqual(await tables.read(name), merged);
    });

    it("merges a table", async () => {
      const [name, source] = [await tables.table(), await tables.table(incoming)];
      await tables.done(name, "merge", { ...merge, source: { table: { name: source } } });
      assert.deepEqual(await tables.read(name), merged);
    });

    it("merges the result of a SELECT", async () => {
      const [name, source] = [await tables.table(), await tables.table(incoming)];
      const sql = `SELECT id, origin, delay * 2 AS delay FROM ${source} WHERE id = 4`;
      await tables.done(name, "merge", { ...merge, source: { sql } });
      assert.deepEqual(await tables.read(name), [...flights, { id: 4, origin: "LAX", delay: 88 }]);
    });

    it("merges by deleting what matches, or what does not", async () => {
      const name = await tables.table();
      const keys = { source: { rows: [{ id: 1 }, { id: 2 }] }, predicate: "t.id = s.id", ...aliases };
      await tables.done(name, "merge", { ...keys, not_matched_by_source_delete: true });
      assert.deepEqual(await tables.ids(name), [1, 2]);
      await tables.done(name, "merge", { ...keys, matched_delete: true, matched_predicate: "t.delay > 0" });
      assert.deepEqual(await tables.ids(name), [2]);
    });

    it("merges rows that stream in, as the parameter says", async () => {
      const name = await tables.table();
      const request = encodeURIComponent(JSON.stringify(merge));
      const body = `id,origin,delay\n${incoming.map((row) => Object.values(row).join(",")).join("\n")}\n`;
      const headers = { "content-type": rowTypes.csv };
      const path = `/v1/tables/${name}/merge`;
      report(await server.client.send(`${path}?request=${request}`, { method: "POST", headers, body }));
      assert.deepEqual(await tables.read(name), merged);
      const alone = await server.client.send(path, { method: "POST", headers, body });
      assertProblem(alone, { status: 400, code: "invalid_request", detail: /`request`/ });
      const twice = await tables.operate(name, `merge?request=${request}`, { ...merge, source: { rows: incoming } });
      assertProblem(twice, { status: 400, code: "invalid_request", detail: /`request`/ });
    });

    it("refuses a merge that does nothing, has no source or two", async () => {
      const name = await tables.table();
      const bodies = [
        { source: { rows: incoming }, predicate: "true" },
        { predicate: "true", matched_delete: true },
        { source: { rows: incoming, sql: "SELECT 1" }, predicate: "true", matched_delete: true },
      ];
      for (const body of bodies)
        assertProblem(await tables.operate(name, "merge", body), { status: 400, code: "invalid_request" });
    });
  });

  describe("on files", () => {
    it("compacts small files", async () => {
      const name = await tables.table();
      await append(name, 4, 5, 6);
      const before = (await tables.describe(name)).table;
      const { operation, version } = await tables.done(name, "optimize", {});
      assert.deepEqual([operation, version], ["OPTIMIZE", before.version + 1]);
      const now = (await tables.describe(name)).table;
      assert.ok(before.files >= 4 && now.files === 1, `${before.files} files became ${now.files}`);
      assert.deepEqual(await tables.ids(name), [1, 2, 3, 4, 5, 6]);
    });

    it("orders rows by several columns", async () => {
      const name = await tables.table();
      await append(name, 4);
      await tables.done(name, "optimize", { z_order_columns: ["origin", "id"] });
      assert.deepEqual(await tables.ids(name), [1, 2, 3, 4]);
      const unknown = await tables.operate(name, "optimize", { z_order_columns: ["orign"] });
      assertProblem(unknown, { status: 422, code: "unknown_column", detail: /orign/ });
    });

    it("lists, then removes, what no version needs", async () => {
      const name = await tables.table();
      await append(name, 4);
      await tables.done(name, "optimize", {});
      const soon = { retention_hours: 0, enforce_retention_duration: false };
      const listed = await tables.done(name, "vacuum", soon);
      const files = (listed.metrics as { files: string[] }).files;
      assert.equal(files.length, 2, JSON.stringify(listed.metrics));
      assert.ok(files.every((file) => existsSync(join(warehouse, name, file))));
      await tables.done(name, "vacuum", { ...soon, dry_run: false });
      assert.ok(files.every((file) => !existsSync(join(warehouse, name, file))));
      assert.deepEqual(await tables.ids(name), [1, 2, 3, 4]);
    });

    it("keeps what readers may still need", async () => {
      const name = await tables.table();
      const answer = await tables.operate(name, "vacuum", { retention_hours: 1, dry_run: false });
      assertProblem(answer, { status: 422, code: "retention_too_short", kind: "delta" });
    });

    it("writes a checkpoint", async () => {
      const name = await tables.table();
      await append(name, 4);
      const { version } = await tables.done(name, "checkpoint", {});
      const last = JSON.parse(readFileSync(join(warehouse, name, "_delta_log/_last_checkpoint"), "utf8"));
      assert.deepEqual([version, last.version], [1, 1]);
      assert.deepEqual(await tables.ids(name), [1, 2, 3, 4]);
    });

    it("writes the checkpoints that are due behind the answers", async () => {
      const name = await tables.table();
      for (let id = 4; id < 14; id++) await append(name, id);
      const last = join(warehouse, name, "_delta_log/_last_checkpoint");
      while (!existsSync(last)) await pause(20);
      const { version } = JSON.parse(readFileSync(last, "utf8"));
      assert.ok(version >= 9 && version <= 10, `version ${version}`);
      assert.equal((await tables.ids(name)).length, 13);
    });

    it("writes checkpoints as often as the table says", async () => {
      const name = await tables.table();
      await tables.done(name, "properties", { properties: { "delta.checkpointInterval": "1" } });
      for (let id = 4; id < 8; id++) {
        await append(name, id);
        const version = String(await tables.version(name)).padStart(20, "0");
        while (!existsSync(join(warehouse, name, `_delta_log/${version}.checkpoint.parquet`))) await pause(20);
      }
    });

    it("cleans up the log", async () => {
      const name = await tables.table();
      await tables.done(name, "checkpoint", {});
      assert.equal((await tables.done(name, "cleanup", {})).version, 0);
      assert.deepEqual(await tables.ids(name), [1, 2, 3]);
    });
  });

  describe("on all of a table", () => {
    const remove = (name: string, purge: boolean, headers: Record<string, string> = {}) =>
      server.client.send(`/v1/tables/${name}?purge=${purge}`, { method: "DELETE", headers });

    it("deletes its files, as it was when it was looked at", async () => {
      const name = await tables.table();
      const { tag } = await tables.describe(name);
      await append(name, 4);
      assertProblem(await remove(name, true, { "if-match": String(tag) }), {
        status: 412,
        code: "precondition_failed",
      });
      assert.deepEqual(await tables.ids(name), [1, 2, 3, 4]);
      assertProblem(await remove(name, false), { status: 409, code: "name_taken" });
      const now = await tables.describe(name);
      assert.equal((await remove(name, true, { "if-match": String(now.tag) })).status, 204);
      assert.deepEqual(
        readdirSync(warehouse).filter((entry) => entry === name || entry.startsWith(".purged")),
        [],
      );
      assertProblem(await remove(name, true), { status: 404, code: "table_not_found" });
      assert.equal((await tables.rows(name, flights.slice(0, 1), "mode=create")).status, 201);
      assert.deepEqual(await tables.ids(name), [1]);
    });

    it("deletes those of a registered table only where that is asked for", async () => {
      const uri = join(outside, "apart");
      const columns = [{ name: "id", dtype: "Int64" }];
      assert.equal((await tables.create("apart", { uri, columns })).status, 201);
      assert.equal((await remove("apart", false)).status, 204);
      const registered = () => server.client.sendJson("/v1/tables/apart", { uri }, { method: "PUT" });
      assert.equal((await registered()).status, 201);
      assert.equal((await remove("apart", true)).status, 204);
      assert.equal(existsSync(uri), false);
      assertProblem(await registered(), { status: 422, code: "table_unreadable" });
    });
  });

  describe("that are made", () => {
    it("is made once by a request that names itself, wherever it is", async () => {
      const columns = [{ name: "id", dtype: "Int64" }];
      for (const [name, body] of Object.entries({
        once_here: { columns },
        once_there: { columns, uri: join(outside, "once") },
      })) {
        const headers = { "idempotency-key": `make-${name}` };
        const answers = [await tables.create(name, body, headers), await tables.create(name, body, headers)];
        for (const answer of answers) assert.equal(answer.status, 201, answer.text);
        assert.equal((await tables.describe(name)).table.version, 0);
        assertProblem(await tables.create(name, body), { status: 409, code: "table_exists" });
        assertProblem(await tables.create(name, body, { "idempotency-key": "another" }), {
          status: 409,
          code: "table_exists",
        });
        const other = { ...body, description: "Another." };
        assertProblem(await tables.create(name, other, headers), { status: 422, code: "idempotency_key_reused" });
      }
    });
  });

  describe("on versions", () => {
    it("restores a version, and a time", async () => {
      const name = await tables.table();
      const { timestamp } = (await tables.describe(name)).table;
      await tables.done(name, "delete", { predicate: "true" });
      const { operation, version } = await tables.done(name, "restore", { version: 0 });
      assert.deepEqual([operation, version], ["RESTORE", 2]);
      assert.deepEqual(await tables.read(name), flights);
      await tables.done(name, "delete", { predicate: "id = 1" });
      await tables.done(name, "restore", { timestamp });
      assert.deepEqual(await tables.read(name), flights);
    });

    it("restores only what there is", async () => {
      const name = await tables.table();
      for (const body of [{ version: 9 }, { timestamp: "2001-01-01T00:00:00Z" }])
        assertProblem(await tables.operate(name, "restore", body), { status: 404, code: "version_not_found" });
      for (const body of [{}, { version: 0, timestamp: "2026-01-15T09:30:00Z" }])
        assertProblem(await tables.operate(name, "restore", body), { status: 400, code: "invalid_request" });
    });
  });

  describe("on metadata", () => {
    it("sets properties, and keeps to them", async () => {
      const name = await tables.table();
      await tables.done(name, "properties", { properties: { "delta.appendOnly": "true" } });
      assert.equal((await tables.describe(name)).table.properties["delta.appendOnly"], "true");
      assertProblem(await tables.operate(name, "delete", { predicate: "id = 1" }), {
        status: 422,
        code: "table_append_only",
        kind: "delta",
      });
      await append(name, 4);
      assert.deepEqual(await tables.ids(name), [1, 2, 3, 4]);
    });

    it("refuses properties that it does not keep to, and values that are none", async () => {
      const name = await tables.table();
      const refused = [
        { "delta.minReaderVersion": "3" },
        { "delta.enableRowTracking": "true" },
        { "delta.appendOnly": "perhaps" },
        { "delta.madeUp": "1" },
      ];
      for (const properties of refused) {
        const [property = ""] = Object.keys(properties);
        assertProblem(await tables.operate(name, "properties", { properties }), {
          status: 422,
          code: "property_not_allowed",
          detail: new RegExp(property),
        });
      }
      assert.equal(await tables.version(name), 0);
    });

    it("turns on features", async () => {
      const name = await tables.table();
      const body = { features: ["deletionVectors"], allow_protocol_versions_increase: true };
      const { snapshot } = await tables.done(name, "features", body);
      assert.deepEqual([snapshot.min_reader_version, snapshot.min_writer_version], [3, 7]);
      assert.ok(snapshot.writer_features.includes("deletionVectors"));
      await append(name, 4);
      assert.deepEqual(await tables.ids(name), [1, 2, 3, 4]);
    });

    it("refuses features that it cannot write", async () => {
      const name = await tables.table();
      for (const feature of ["identityColumns", "rowTracking", "madeUp"]) {
        const body = { features: [feature], allow_protocol_versions_increase: true };
        assertProblem(await tables.operate(name, "features", body), {
          status: 422,
          code: "property_not_allowed",
          detail: new RegExp(feature),
        });
      }
    });

    it("adds constraints, holds every path to them, and drops them", async () => {
      const name = await tables.table();
      await tables.done(name, "constraints", { constraints: { early, known: "origin IS NOT NULL" } });
      const attempts = [
        await tables.rows(name, [{ id: 9, origin: "SEA", delay: -99 }]),
        await tables.operate(name, "update", { updates: { delay: "-99" }, predicate: "id = 2" }),
        await tables.operate(name, "merge", {
          source: { rows: [{ id: 1, delay: -99 }] },
          predicate: "t.id = s.id",
          ...aliases,
          matched_updates: { delay: "s.delay" },
        }),
      ];
      for (const attempt of attempts) {
        const problem = assertProblem(attempt, { status: 422, code: "constraint_violated", detail: /early \(1 row\)/ });
        assert.deepEqual(problem.details?.violations, [{ constraint: "early", expression: early, violating_rows: 1 }]);
      }
      assert.deepEqual(await tables.read(name), flights);
      const dropped = await server.client.sendJson(
        `/v1/tables/${name}/constraints`,
        { names: ["early"] },
        { method: "DELETE" },
      );
      report(dropped);
      report(await tables.rows(name, [{ id: 9, origin: "SEA", delay: -99 }]));
    });

    it("counts the rows of an update and a merge for each constraint that they break", async () => {
      const name = await tables.table();
      await tables.done(name, "constraints", { constraints: { early, known: "origin IS NOT NULL" } });
      const updated = await tables.operate(name, "update", { updates: { delay: "delay - 70", origin: "NULL" } });
      const merged = await tables.operate(name, "merge", {
        source: {
          rows: [
            { id: 1, delay: -99 },
            { id: 8, delay: -99 },
            { id: 9, delay: 1 },
          ],
        },
        predicate: "t.id = s.id",
        ...aliases,
        matched_updates: { delay: "s.delay" },
        not_matched_inserts: { id: "s.id", delay: "s.delay" },
      });
      const counts = [updated, merged].map((answer) => {
        const { details } = assertProblem(answer, { status: 422, code: "constraint_violated", kind: "delta" });
        const violations = (details?.violations ?? []) as DeltaConstraintViolation[];
        return Object.fromEntries(violations.map((broken) => [broken.constraint, broken.violating_rows]));
      });
      assert.deepEqual(counts, [
        { early: 2, known: 3 },
        { early: 2, known: 2 },
      ]);
      assert.deepEqual(await tables.read(name), flights);
    });

    it("adds no constraint that a row breaks, and says how many do", async () => {
      const name = await tables.table();
      const body = { constraints: { positive: "delay > 0" } };
      const problem = assertProblem(await tables.operate(name, "constraints", body), {
        status: 422,
        code: "constraint_violated",
      });
      assert.deepEqual(problem.details?.violations, [
        { constraint: "positive", expression: "delay > 0", violating_rows: 2 },
      ]);
      assert.equal(await tables.version(name), 0);
    });

    it("checks rows against the constraints", async () => {
      const name = await tables.table();
      await tables.done(name, "constraints", { constraints: { early } });
      const answer = await tables.operate(name, "data-check", {});
      const { version, violations } = answer.as<DeltaDataCheckReport>();
      assert.deepEqual([answer.status, version, violations], [200, 1, []]);
      const committing = await tables.operate(name, "data-check", { commit_options: { max_retries: 1 } });
      const { errors } = assertProblem(committing, { status: 400, code: "invalid_request" });
      assert.equal(errors?.[0]?.pointer, "/commit_options");
    });
  });

  describe("that make tables", () => {
    const columns = [
      { name: "id", dtype: "Int64", nullable: false },
      { name: "day", dtype: "Date32" },
      { name: "price", dtype: "Decimal128(10, 2)" },
    ];

    it("create one of columns, with all that was said", async () => {
      const answer = await tables.create("prices", {
        columns,
        partition_columns: ["day"],
        properties: { "delta.enableChangeDataFeed": "true" },
        constraints: { positive: "price > 0" },
        description: "What things cost.",
      });
      assert.equal(answer.status, 201, answer.text);
      assert.equal(answer.headers.get("location"), "/v1/tables/prices");
      const table = answer.as<TableDescription>();
      assert.deepEqual([table.version, table.rows, table.partition_columns], [0, 0, ["day"]]);
      assert.deepEqual(
        table.schema.fields.map(({ name, type, nullable }) => ({ name, dtype: type, nullable })),
        columns.map((column) => ({ nullable: true, ...column })),
      );
      assert.deepEqual([table.description, table.source], ["What things cost.", "warehouse"]);
      report(await tables.rows("prices", [{ id: 1, day: "2026-01-15", price: 9.99 }]));
      assert.deepEqual(await tables.read("prices"), [{ id: 1, day: "2026-01-15", price: 9.99 }]);
      assertProblem(await tables.rows("prices", [{ id: 2, day: "2026-01-15", price: -1 }]), {
        status: 422,
        code: "constraint_violated",
      });
    });

    it("create one of nested columns, as exactly as they are said", async () => {
      const nested = [
        { name: "id", dtype: "Int64", nullable: false },
        {
          name: "legs",
          dtype: "List",
          children: [
            {
              name: "element",
              dtype: "Struct",
              nullable: false,
              children: [
                { name: "to", dtype: "Utf8", nullable: false, metadata: { comment: "IATA" } },
                { name: "delay (min)", dtype: "Int32" },
              ],
            },
          ],
        },
      ];
      const answer = await tables.create("nested", { columns: nested });
      assert.equal(answer.status, 201, answer.text);
      const { columns: shown } = (await server.client.send("/v1/tables/nested/schema")).as<TableSchema>();
      const [, legs] = shown;
      const [leg] = legs?.children ?? [];
      const [to, delay] = leg?.children ?? [];
      assert.equal(legs?.dtype, 'List(Struct(to Utf8, "delay (min)" Int32))');
      assert.deepEqual([legs?.nullable, leg?.nullable, to?.nullable, delay?.nullable], [true, false, false, true]);
      assert.deepEqual([to?.name, to?.metadata, delay?.name], ["to", { comment: "IATA" }, "delay (min)"]);
      assert.equal((await tables.create("nested_again", { columns: shown })).status, 201);
      const again = (await server.client.send("/v1/tables/nested_again/schema")).as<TableSchema>();
      assert.deepEqual(again.columns, shown);
      report(await tables.rows("nested", [{ id: 1, legs: [{ to: "SEA", "delay (min)": null }] }]));
      assertProblem(await tables.rows("nested", [{ id: 2, legs: [null] }]), { status: 422, code: "invalid_rows" });
    });

    it("create none where there is one", async () => {
      const name = await tables.table();
      assertProblem(await tables.create(name, { columns }), { status: 409, code: "table_exists", kind: "delta" });
      const once = await tables.create(name, { columns }, { "if-none-match": "*" });
      assertProblem(once, { status: 412, code: "precondition_failed" });
      assert.deepEqual(await tables.read(name), flights);
    });

    it("create one outside the warehouse, and serve it over a restart", async () => {
      const uri = join(outside, "distant");
      const made = await tables.create("distant", { columns, uri });
      assert.deepEqual([made.status, made.as<TableDescription>().source], [201, "registered"], made.text);
      report(await tables.rows("distant", [{ id: 1, day: null, price: null }]));
      assert.equal(await server.stop(), 0);
      server = await start();
      assert.deepEqual(await tables.ids("distant"), [1]);
    });

    it("create none outside the allowed locations, or of impossible columns", async () => {
      assertProblem(await tables.create("stolen", { columns, uri: "/tmp/stolen" }), {
        status: 403,
        code: "location_not_allowed",
      });
      assertProblem(await tables.create("wrong", { columns: [{ name: "id", dtype: "Int46" }] }), {
        status: 422,
        code: "unsupported_type",
        detail: /Int46/,
      });
      const [id] = columns;
      assertProblem(await tables.create("wrong", { columns: [] }), { status: 400, code: "invalid_request" });
      for (const [wrong, detail] of [
        [[id, id], /Two columns are named 'id'/],
        [[{ name: "", dtype: "Int64" }], /A column has no name/],
      ] as const)
        assertProblem(await tables.create("wrong", { columns: wrong }), {
          status: 400,
          code: "invalid_request",
          detail,
        });
      const twofold = { name: "a", dtype: "List(Utf8)", children: [id] };
      assertProblem(await tables.create("wrong", { columns: [twofold] }), {
        status: 422,
        code: "unsupported_type",
        detail: /Column 'a': the type is List\(Utf8\), but its children make it List\(Int64\)/,
      });
      assertProblem(await tables.create("wrong", { columns, uri: "x", sql: "" }), {
        status: 400,
        code: "invalid_request",
      });
      assertProblem(await server.client.send("/v1/tables/wrong"), { status: 404, code: "table_not_found" });
    });

    it("convert a folder of Parquet files", async () => {
      const name = await tables.table();
      const parquet = await server.client.query(`SELECT * FROM ${name}`, { accept: rowTypes.parquet });
      for (const year of [2024, 2025]) {
        mkdirSync(join(warehouse, `measured/year=${year}`), { recursive: true });
        writeFileSync(join(warehouse, `measured/year=${year}/part-0.parquet`), parquet.bytes);
      }
      const answer = await tables.operate("measured", "convert", {
        partition_schema: [{ name: "year", dtype: "Int32" }],
      });
      assert.deepEqual([answer.status, answer.headers.get("location")], [201, "/v1/tables/measured"], answer.text);
      const counts = await server.client.rows("SELECT year, count(*) AS n FROM measured GROUP BY year ORDER BY year");
      assert.deepEqual(counts, [
        { year: 2024, n: 3 },
        { year: 2025, n: 3 },
      ]);
      assertProblem(await tables.operate("measured", "convert", {}), { status: 409, code: "table_exists" });
    });
  });

  describe("under conditions", () => {
    it("know a table by the tag of its compressed description", async () => {
      const name = "made_wide";
      const columns = Array.from({ length: 60 }, (_, index) => ({ name: `column_${index}`, dtype: "Int64" }));
      assert.equal((await tables.create(name, { columns })).status, 201);
      const look = (match = "") =>
        exchange(`${server.url}/v1/tables/${name}`, { headers: { "accept-encoding": "gzip", "if-none-match": match } });
      const { headers } = await look();
      assert.equal(headers["content-encoding"], "gzip");
      const tag = String(headers.etag);
      const known = await look(tag);
      assert.deepEqual([known.status, known.headers.etag], [304, tag]);
      const append = () => tables.rows(name, [{ column_0: 1 }], "", { "if-match": tag });
      report(await append());
      assertProblem(await append(), { status: 412, code: "precondition_failed" });
    });

    it("happen only to the table that If-Match names", async () => {
      const name = await tables.table();
      const { tag } = await tables.describe(name);
      const remove = (id: number, match: string) =>
        tables.operate(name, "delete", { predicate: `id = ${id}` }, { "if-match": match });
      const first = await remove(1, tag);
      assert.equal(report(first).version, 1);
      assertProblem(await remove(2, tag), { status: 412, code: "precondition_failed" });
      assertProblem(await remove(2, '"nonsense"'), { status: 412, code: "precondition_failed" });
      assertProblem(await remove(2, (await tables.describe(await tables.table())).tag), {
        status: 412,
        code: "precondition_failed",
      });
      report(await remove(2, `"nonsense", ${tag}, ${first.headers.get("etag")}`));
      report(await remove(3, "*"));
      assert.deepEqual(await tables.ids(name), []);
    });

    it("are named where they are no conditions, before the table is looked at", async () => {
      const { tag } = await tables.describe(await tables.table());
      for (const match of ["", "5", tag.slice(1, -1), tag.slice(1), `${tag},`, `${tag} ${tag}`]) {
        const answer = await tables.operate("nothing", "delete", { predicate: "true" }, { "if-match": match });
        const { errors } = assertProblem(answer, { status: 400, code: "invalid_request" });
        assert.deepEqual(
          errors?.map(({ pointer, keyword }) => [pointer, keyword]),
          [["/if-match", "pattern"]],
        );
      }
    });

    it("happen once of two that name the same version", async () => {
      const name = await tables.table();
      const { tag } = await tables.describe(name);
      const answers = await Promise.all(
        [4, 5, 6, 7].map((id) => tables.rows(name, [{ id, origin: "ORD", delay: 0 }], "", { "if-match": tag })),
      );
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412, 412]);
      assert.equal((await tables.ids(name)).length, 4);
    });

    it("happen only where a gate is passed", async () => {
      const name = await tables.table();
      const gate = { min_reader_version: 3, required_writer_features: ["deletionVectors"] };
      const operations: [string, object][] = [
        ["delete", { predicate: "true" }],
        ["update", { updates: { delay: "0" } }],
        ["optimize", {}],
        ["checkpoint", {}],
        ["restore", { version: 0 }],
        ["properties", { properties: { "delta.appendOnly": "true" } }],
      ];
      for (const [operation, body] of operations) {
        const answer = await tables.operate(name, operation, { ...body, gate });
        const problem = assertProblem(answer, { status: 412, code: "gate_failed", kind: "delta" });
        assert.equal((problem.details?.failures as unknown[] | undefined)?.length, 2, answer.text);
      }
      assert.equal(await tables.version(name), 0);
      const passed = { predicate: "id = 1", gate: { min_writer_version: 1 } };
      assert.equal((await tables.done(name, "delete", passed)).version, 1);
    });
  });

  it("happen only where the gates of session and registration are passed", async () => {
    const gate = { required_writer_features: ["deletionVectors"] };
    const columns = [{ name: "id", dtype: "Int64" }];
    const uri = join(outside, "gated");
    assert.equal((await tables.create("gated", { columns, uri })).status, 201);
    const session = await server.client.sendJson("/v1/sessions", { gate });
    const within = `session_id=${session.as<{ session_id: string }>().session_id}`;
    assertProblem(await tables.rows("gated", [{ id: 1 }], within), { status: 412, code: "gate_failed" });
    report(await tables.rows("gated", [{ id: 1 }]));
    const nobody = await tables.operate("gated", "checkpoint?session_id=nobody", {});
    assertProblem(nobody, { status: 404, code: "session_not_found" });
    report(await tables.operate("gated", "features", { ...allow, features: ["deletionVectors"] }));
    report(await tables.rows("gated", [{ id: 2 }], within));
    const stricter = { min_reader_version: 3, required_writer_features: ["changeDataFeed"] };
    assert.equal((await tables.create("gated", { uri, gate: stricter })).status, 200);
    assertProblem(await tables.rows("gated", [{ id: 3 }]), { status: 412, code: "gate_failed" });
  });

  describe("that are repeated", () => {
    const key = { "idempotency-key": "one" };

    it("write once, and answer what the first one did", async () => {
      const name = await tables.table();
      const body = { updates: { delay: "coalesce(delay, 0) + 1" } };
      const first = report(await tables.operate(name, "update", body, key));
      const again = report(await tables.operate(name, "update", body, key));
      assert.deepEqual([first.skipped, again.skipped], [false, true]);
      assert.equal(again.version, first.version);
      assert.ok(again.skip_reason);
      assert.equal(await tables.version(name), 1);
    });

    it("write once also when sent at the same time, and over a restart", async () => {
      const name = await tables.table();
      const body = { updates: { delay: "coalesce(delay, 0) + 1" } };
      const answers = await Promise.all([1, 2, 3, 4].map(() => tables.operate(name, "update", body, key)));
      assert.deepEqual(answers.map((answer) => report(answer).skipped).sort(), [false, true, true, true]);
      assert.equal(await server.stop(), 0);
      server = await start();
      assert.equal(report(await tables.operate(name, "update", body, key)).skipped, true);
      assert.equal(await tables.version(name), 1);
    });

    it("are known although the table has moved on from If-Match", async () => {
      const name = await tables.table();
      const headers = { ...key, "if-match": (await tables.describe(name)).tag };
      const body = { predicate: "id = 1" };
      report(await tables.operate(name, "delete", body, headers));
      await append(name, 4);
      const again = report(await tables.operate(name, "delete", body, headers));
      assert.deepEqual([again.skipped, again.version], [true, 1]);
      const other = { ...headers, "idempotency-key": "two" };
      assertProblem(await tables.operate(name, "delete", body, other), { status: 412, code: "precondition_failed" });
    });

    it("may not ask for something else", async () => {
      const name = await tables.table();
      report(await tables.operate(name, "delete", { predicate: "id = 1" }, key));
      for (const [operation, body] of [
        ["delete", { predicate: "id = 2" }],
        ["update", { updates: { delay: "0" } }],
      ] as const)
        assertProblem(await tables.operate(name, operation, body, key), {
          status: 422,
          code: "idempotency_key_reused",
          kind: "validation",
        });
      assert.deepEqual(await tables.ids(name), [2, 3]);
    });

    it("have a key of 1 to 255 visible characters", async () => {
      const name = await tables.table();
      for (const wrong of ["", "two words", "x".repeat(256), "ümlaut"]) {
        const headers = { "idempotency-key": wrong };
        assertProblem(await tables.operate(name, "delete", { predicate: "true" }, headers), {
          status: 400,
          code: "invalid_request",
        });
      }
      const longest = { "idempotency-key": "x".repeat(255) };
      report(await tables.operate(name, "delete", { predicate: "true" }, longest));
    });
  });

  describe("that are wrong", () => {
    it("name what is wrong", async () => {
      const name = await tables.table();
      const wrong: [string, object, number, string][] = [
        ["delete", {}, 400, "invalid_request"],
        ["delete", { predicate: "true", table: { name } }, 400, "invalid_request"],
        ["delete", { predicate: "id =" }, 422, "invalid_sql"],
        ["delete", { predicate: "idd = 1" }, 422, "unknown_column"],
        ["update", { updates: {} }, 400, "invalid_request"],
        ["update", { updates: { delayed: "1" } }, 422, "unknown_column"],
        ["vacuum", { retention_hours: -1 }, 400, "invalid_request"],
        ["constraints", { constraints: { odd: "id %" } }, 422, "invalid_sql"],
      ];
      for (const [operation, body, status, code] of wrong)
        assertProblem(await tables.operate(name, operation, body), { status, code: code as "invalid_sql" });
      assert.equal(await tables.version(name), 0);
    });

    it("name a table that there is", async () => {
      for (const operation of ["delete", "checkpoint"])
        assertProblem(await tables.operate("nothing", operation, operation === "delete" ? { predicate: "true" } : {}), {
          status: 404,
          code: "table_not_found",
        });
    });
  });

  it("need no body where nothing has to be said", async () => {
    const name = await tables.table();
    for (const operation of ["optimize", "checkpoint", "data-check"]) {
      const answer = await server.client.send(`/v1/tables/${name}/${operation}`, { method: "POST" });
      assert.equal(answer.status, 200, answer.text);
    }
    const answer = await server.client.send(`/v1/tables/${name}/delete`, { method: "POST" });
    assertProblem(answer, { status: 400, code: "invalid_body" });
  });

  it("are done also when the client does not wait", async () => {
    const name = await tables.table();
    const body = JSON.stringify({ predicate: "id = 1" });
    const headers = { "content-type": rowTypes.json, "content-length": body.length };
    const sent = httpRequest(`${server.url}/v1/tables/${name}/delete`, { method: "POST", headers });
    sent.on("error", () => undefined);
    await new Promise<void>((resolve) => sent.end(body, resolve));
    sent.destroy();
    for (let waits = 0; waits < 100 && (await tables.version(name)) === 0; waits++) await pause(50);
    assert.deepEqual(await tables.ids(name), [2, 3]);
  });

  it("take MessagePack, and commit options", async () => {
    const name = await tables.table();
    const body = {
      predicate: "id = 1",
      commit_options: { metadata: { team: "ingest" }, app_transaction: { app_id: "loader", version: 2n ** 53n + 1n } },
    };
    const sent = () =>
      server.client.send(`/v1/tables/${name}/delete`, {
        method: "POST",
        headers: { "content-type": rowTypes.msgpack },
        body: encode(body),
      });
    assert.equal(report(await sent()).skipped, false);
    const commit = readFileSync(commitFile(warehouse, name, 1), "utf8");
    assert.match(commit, /"team":"ingest"/);
    assert.match(commit, /"txn":\{"appId":"loader",[^}]*"version":9007199254740993/);
    assert.equal(report(await sent()).skipped, true);
  });
});

/** Null is no answer, and so a violation. */
const early = "delay IS NULL OR delay > -10";
const allow = { allow_protocol_versions_increase: true };
const aliases = { source_alias: "s", target_alias: "t" };
