/** Data files store whole numbers by how they differ, whatever the rows and the table call whole. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { inRoot } from "../../setup/places.mjs";
import { python, withoutPython } from "../fixture/python.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { report, Writing } from "../fixture/writing.js";

const many = 60_000;

describe("data files", { skip: withoutPython }, () => {
  const warehouse = join(temporaryFolder(), "warehouse");
  let server: TestServer;
  const tables = new Writing(() => server.client);

  before(async () => {
    mkdirSync(warehouse);
    server = await startServer({ warehouse });
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true, force: true });
  });

  it("store many whole numbers by how they differ, and few by reference", async () => {
    const name = await tables.table(rows((id) => ({ id, few: id % 10, word: `word ${id}`, part: id / 8 })));
    const stored = encodings(name);
    assert.ok(stored["id"]?.includes("DELTA_BINARY_PACKED"), `${stored["id"]}`);
    assert.ok(!stored["few"]?.includes("DELTA_BINARY_PACKED"), `${stored["few"]}`);
    for (const column of ["word", "part"]) assert.ok(!`${stored[column]}`.includes("DELTA"), `${stored[column]}`);
    await holds(name, { n: many, ids: (many * (many - 1)) / 2, few: many * 4.5 });
    const changes: [string, object][] = [
      ["update", { updates: { part: "0.0" }, predicate: "id = 1" }],
      ["delete", { predicate: "id = 0" }],
      [
        "merge",
        { source: { rows: [{ id: 2 }] }, predicate: "target.id = source.id", matched_updates: { part: "1.0" } },
      ],
      ["optimize", {}],
    ];
    for (const [operation, request] of changes) {
      assert.equal((await tables.operate(name, operation, request)).status, 200, operation);
      assert.ok(encodings(name)["id"]?.includes("DELTA_BINARY_PACKED"), operation);
    }
  });

  it("take whole numbers into columns of others, and others in their place", async () => {
    const name = await tables.table(rows((id) => ({ id, value: id / 8 })));
    report(
      await tables.rows(
        name,
        rows((id) => ({ id, value: id })),
        "mode=append",
      ),
    );
    await holds(name, { n: 2 * many, ids: many * (many - 1) });
    report(
      await tables.rows(
        name,
        rows((id) => ({ id: `${id}`, value: id })),
        "mode=overwrite&schema_mode=overwrite",
      ),
    );
    const [row] = await server.client.rows(`SELECT min(id) AS low, sum(value) AS s FROM ${name}`);
    assert.deepEqual(row, { low: "0", s: (many * (many - 1)) / 2 });
  });

  async function holds(name: string, { n, ids, few }: { n: number; ids: number; few?: number }): Promise<void> {
    const more = few === undefined ? "" : ", sum(few) AS few";
    const found = await server.client.rows(`SELECT count(*) AS n, sum(id) AS ids${more} FROM ${name}`);
    assert.deepEqual(found, [{ n, ids, ...(few !== undefined && { few }) }]);
  }

  /** Of the newest file. */
  function encodings(name: string): Record<string, string[]> {
    const folder = join(warehouse, name);
    const files = readdirSync(folder).filter((file) => file.endsWith(".parquet"));
    const written = (file: string) => statSync(join(folder, file)).mtimeMs;
    const newest = files.toSorted((left, right) => written(left) - written(right)).at(-1) ?? "";
    const script = inRoot("test/python/encodings.py");
    const found = spawnSync(python, [script, join(folder, newest)], { encoding: "utf8" });
    assert.equal(found.status, 0, found.stderr);
    return JSON.parse(found.stdout);
  }
});

const rows = (row: (id: number) => object) => Array.from({ length: many }, (_, id) => row(id));
