/** A server that follows a table commit by commit has it as one that reads its whole log, whoever commits what. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LinePeer } from "../../bench/line-peer.js";
import { inRoot } from "../../setup/places.mjs";
import type { Client } from "../fixture/client.js";
import { python, withoutPython } from "../fixture/python.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { report, Writing } from "../fixture/writing.js";

const row = (id: number) => ({ id, origin: ["SEA", "PDX", "ORD"][id % 3], delay: id % 5 === 0 ? null : id });
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => row(from + index));

describe("versions that are followed", { skip: withoutPython }, () => {
  const warehouse = join(temporaryFolder(), "warehouse");
  let writer: TestServer;
  /** Asked after each commit, so that it knows the version before. */
  let follower: TestServer;
  /** Keeps no version, and reads the log each time. */
  let fresh: TestServer;
  let commits: LinePeer;
  const tables = new Writing(() => writer.client);

  before(async () => {
    mkdirSync(warehouse);
    const written = spawnSync(python, [inRoot("test/python/scan_tables.py"), warehouse, "1"], { stdio: "inherit" });
    assert.equal(written.status, 0);
    commits = new LinePeer(python, [inRoot("test/python/scan_commits.py"), warehouse]);
    const environment = { LAKEGATE_SNAPSHOT_CACHE: "1" };
    [writer, follower, fresh] = await Promise.all([
      startServer({ warehouse }),
      startServer({ warehouse }),
      startServer({ warehouse, environment }),
    ]);
  });
  after(async () => {
    await commits.stop();
    await Promise.all([writer.stop(), follower.stop(), fresh.stop()]);
    rmSync(warehouse, { recursive: true, force: true });
  });

  const kinds = ["append", "replace", "several", "tag", "remove", "widen", "append", "overwrite", "append"];
  const vectors = ["delete_rows", "append", "delete_rows", "restore_rows"];
  const library = ["library_append", "library_delete", "library_append", "library_compact", "append"];
  const foreign: Record<string, string[]> = {
    plain: [...kinds, ...library],
    evolved: kinds,
    partitioned: [...kinds, ...library],
    deleted: [...vectors, ...kinds, ...vectors],
    mapped: kinds,
    partitioned_deleted_mapped_evolved: [...vectors, ...kinds, ...vectors],
  };
  for (const [table, steps] of Object.entries(foreign))
    it(`through the commits of others to the table ${table}`, async () => {
      await assertFollowed(table, "nothing");
      for (const kind of steps) {
        const version = await commits.ask<number>({ table, kind });
        assert.equal(await assertFollowed(table, kind), version, kind);
      }
    });

  it("through many commits, of which it sees some together", async () => {
    const table = await tables.table(rows(0, 3));
    for (let version = 1; version <= 40; version++) {
      if (version % 7 === 0) await tables.done(table, "delete", { predicate: `id % 7 = ${version % 5}` });
      else report(await tables.rows(table, rows(version * 3, version * 3 + 3)));
      if (version % 3 === 0 || version < 9) await assertFollowed(table, `version ${version}`);
    }
  });

  for (const partitions of ["", "&partition_columns=origin"])
    it(`through every operation of another server${partitions && ", with partitions"}`, async () => {
      const table = await tables.table(rows(0, 12), partitions);
      await assertFollowed(table, "create");
      for (const [step, perform] of Object.entries(operations(table))) {
        await perform();
        await assertFollowed(table, step);
      }
    });

  it("into a table that another one took the place of", async () => {
    const table = await tables.table(rows(0, 5));
    report(await tables.rows(table, rows(5, 6)));
    await assertFollowed(table, "append");
    rmSync(join(warehouse, table), { recursive: true });
    const answer = await tables.rows(table, rows(100, 103), "mode=create");
    assert.equal(answer.status, 201, answer.text);
    report(await tables.rows(table, rows(103, 104)));
    await assertFollowed(table, "replacement");
  });

  const append = async (table: string, from: number) => report(await tables.rows(table, rows(from, from + 2)));
  const operations = (table: string): Record<string, () => Promise<unknown>> => ({
    append: () => append(table, 12),
    delete: () => tables.done(table, "delete", { predicate: "id % 4 = 1" }),
    update: () => tables.done(table, "update", { predicate: "id < 5", updates: { delay: "id * 10" } }),
    merge: () =>
      tables.done(table, "merge", {
        predicate: "t.id = s.id",
        source_alias: "s",
        target_alias: "t",
        matched_updates: { delay: "s.delay" },
        not_matched_inserts: { id: "s.id", origin: "s.origin", delay: "s.delay" },
        source: { rows: rows(10, 18) },
      }),
    "two appends": async () => [await append(table, 20), await append(table, 22)],
    optimize: () => tables.done(table, "optimize", {}),
    "append after optimize": () => append(table, 30),
    constraint: () => tables.done(table, "constraints", { constraints: { positive: "id >= 0" } }),
    "append under a constraint": () => append(table, 32),
    properties: () => tables.done(table, "properties", { properties: { "delta.checkpointInterval": "5" } }),
    "replacement of rows": async () => {
      const where = encodeURIComponent("id >= 30");
      report(await tables.rows(table, rows(30, 31), `mode=overwrite&replace_where=${where}`));
    },
    "new column": async () => {
      const wider = rows(40, 42).map((row) => ({ ...row, note: `n${row.id}` }));
      report(await tables.rows(table, wider, "mode=append&schema_mode=merge"));
    },
    "append after a new column": () => append(table, 42),
    restore: () => tables.done(table, "restore", { version: 4 }),
    "append after restore": () => append(table, 50),
    checkpoint: () => tables.done(table, "checkpoint", {}),
    "append after a checkpoint": () => append(table, 52),
    overwrite: async () => report(await tables.rows(table, rows(60, 64), "mode=overwrite")),
    "append after overwrite": () => append(table, 70),
    "deletion of all": () => tables.done(table, "delete", { predicate: "true" }),
    "append to nothing": () => append(table, 80),
  });

  /** The version that both have, and in which they are the same. */
  async function assertFollowed(table: string, step: string): Promise<number> {
    const [followed, read] = await Promise.all([look(follower.client, table), look(fresh.client, table)]);
    for (const [part, expected] of Object.entries(read)) assert.deepEqual(followed[part], expected, `${step}: ${part}`);
    return (read.table as { version: number }).version;
  }
});

/** All that a table's log decides, with rows and files in the order of their texts. */
async function look(client: Client, table: string): Promise<Record<string, unknown>> {
  const predicates = ["", "?predicate=id%20%3E%2020", "?predicate=id%20IS%20NULL"];
  const [described, schema, history, ...files] = await Promise.all(
    ["", "/schema", "/history", ...predicates.map((predicate) => `/files${predicate}`)].map((path) =>
      body(client, `/v1/tables/${table}${path}`),
    ),
  );
  const all = await client.rows(`SELECT * FROM ${table}`);
  const { session_id } = await opened(client);
  const facts = "count(*) AS n, count(id) AS c, min(id) AS low, max(id) AS high";
  return {
    table: described,
    schema,
    history,
    files,
    rows: all.map(text).sort(),
    wrapped: (await client.rows({ sql: `SELECT * FROM ${table}`, session_id })).map(text).sort(),
    facts: await client.rows(`SELECT ${facts} FROM ${table}`),
    part: await client.rows(`SELECT ${facts} FROM ${table} WHERE id > 20`),
  };
}

/** A session that has the partition values of files made anew for each scan. */
async function opened(client: Client): Promise<{ session_id: string }> {
  const profile = { delta: { scan: { wrap_partition_values: true } } };
  const answer = await client.sendJson("/v1/sessions", { profile });
  assert.equal(answer.status, 201, answer.text);
  return answer.as();
}

const text = (row: unknown) => JSON.stringify(row, (_, value) => (typeof value === "bigint" ? `${value}` : value));

async function body(client: Client, path: string): Promise<unknown> {
  const answer = await client.send(path);
  assert.equal(answer.status, 200, `${path}: ${answer.text}`);
  const found = answer.as<{ schema_json?: string }>();
  // Members of an object come in any order.
  return found.schema_json ? { ...found, schema_json: JSON.parse(found.schema_json) } : found;
}
