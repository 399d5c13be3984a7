/** Versions of tables that are kept ready: one room for those of all tables, from which the longest unused go first. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { startServer, type TestServer, temporaryFolder } from "./fixture/server.js";
import { Writing } from "./fixture/writing.js";

/** A table of so many files takes about 30 kB. */
const files = Array.from({ length: 40 }, (_, id) => ({ id, origin: "SEA", delay: id }));

describe("versions that are kept ready", () => {
  const warehouse = join(temporaryFolder(), "warehouse");
  let writer: TestServer;

  before(async () => {
    mkdirSync(warehouse);
    writer = await startServer({ warehouse });
  });
  after(async () => {
    await writer.stop();
    rmSync(warehouse, { recursive: true, force: true });
  });

  it("answers a version again without its log", async () => {
    const [table] = await twoVersions(1);
    await withCache("256MiB", async (reader) => {
      assert.equal(await statusOf(reader, table, 0), 200);
      forgetFirstCommit(table);
      assert.equal(await statusOf(reader, table, 0), 200);
    });
  });

  it("keeps none where there is no room", async () => {
    const [table] = await twoVersions(1);
    await withCache("1", async (reader) => {
      assert.equal(await statusOf(reader, table, 0), 200);
      forgetFirstCommit(table);
      assert.equal(await statusOf(reader, table, 0), 404);
      assert.equal(await statusOf(reader, table, 1), 200);
      assert.equal((await reader.client.rows(`SELECT id FROM ${table}`)).length, files.length + 1);
      const appended = await reader.client.sendJson(`/v1/tables/${table}/rows?mode=append`, files.slice(0, 1));
      assert.equal(appended.status, 200, appended.text);
    });
  });

  it("drops the longest unused of all tables first", async () => {
    const tables = await twoVersions(6);
    await withCache("128KiB", async (reader) => {
      for (const table of tables) assert.equal(await statusOf(reader, table, 0), 200);
      tables.forEach(forgetFirstCommit);
      assert.equal(await statusOf(reader, tables.at(-1), 0), 200, "the last one is kept");
      assert.equal(await statusOf(reader, tables[0], 0), 404, "the first one made room");
      assert.equal(await statusOf(reader, tables[0], 1), 200, "its newest version is opened again");
    });
  });

  /** Tables at version 1, whose checkpoint leaves version 0 to its commit alone. */
  async function twoVersions(count: number): Promise<string[]> {
    const tables = new Writing(() => writer.client);
    const names: string[] = [];
    for (let table = 0; table < count; table++) {
      const name = await tables.table(files, "&partition_columns=id");
      await tables.rows(name, files.slice(0, 1), "mode=append");
      await tables.done(name, "checkpoint", {});
      names.push(name);
    }
    return names;
  }

  function forgetFirstCommit(table: string | undefined): void {
    rmSync(join(warehouse, `${table}`, "_delta_log", `${"0".repeat(20)}.json`));
  }

  async function withCache(size: string, use: (reader: TestServer) => Promise<void>): Promise<void> {
    const reader = await startServer({ warehouse, environment: { LAKEGATE_SNAPSHOT_CACHE: size } });
    try {
      await use(reader);
    } finally {
      await reader.stop();
    }
  }
});

async function statusOf({ client }: TestServer, table: string | undefined, version: number): Promise<number> {
  return (await client.send(`/v1/tables/${table}?version=${version}`)).status;
}
