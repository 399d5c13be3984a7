/** Appends that wait together share a data file and a commit; each is reported, known again and refused by itself. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { DeltaMutationReport } from "../../schemas/generated/index.js";
import { faultsOfLog, newestVersion } from "../faults/commit-log.js";
import type { Answer } from "../fixture/client.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { commitFile } from "../fixture/tables.js";
import { report, Writing } from "../fixture/writing.js";

const appends = 24;
const early = "delay > -60";

describe("appends that wait together", () => {
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

  it("are in fewer files than there are appends, each with its own figures", async () => {
    const name = await tables.table([{ id: 0, origin: "SEA", delay: 0 }]);
    const reports = (await Promise.all(numbers().map((index) => append(name, index)))).map(report);
    for (const [index, { metrics }] of reports.entries())
      assert.deepEqual([metrics?.["num_added_rows"], metrics?.["num_added_files"]], [index + 1, 1]);
    const commits = versionsOf(name);
    const files = commits.flatMap(({ adds }) => adds);
    assert.ok(files.length < appends, `${files.length} files`);
    for (const { adds, metrics } of commits) assert.equal(metrics.num_added_files, adds.length);
    const rows = commits.reduce((sum, { metrics }) => sum + metrics.num_added_rows, 0);
    assert.equal(rows, (appends * (appends + 1)) / 2);
    assert.equal((await tables.ids(name)).length, rows + 1);
    assert.deepEqual(faultsOfLog(warehouse, name), []);
  });

  it("are known again one by one", async () => {
    const name = await tables.table([{ id: 0, origin: "SEA", delay: 0 }]);
    const firsts = (await Promise.all(numbers().map((index) => append(name, index)))).map(report);
    const again = (await Promise.all(numbers().map((index) => append(name, index)))).map(report);
    assert.ok(again.every(({ skipped }) => skipped));
    assert.deepEqual(again.map(outcomeOf), firsts.map(outcomeOf));
    assert.equal(newestVersion(join(warehouse, name)), Math.max(...firsts.map(({ version }) => version)));
    const other = await tables.rows(name, [{ id: 99 }], "mode=append&schema_mode=merge", key(name, 3));
    assertProblem(other, { status: 422, code: "idempotency_key_reused" });
  });

  it("don't take along those whose rows are refused", async () => {
    const name = await tables.table([{ id: 0, origin: "SEA", delay: 0 }]);
    await tables.done(name, "constraints", { constraints: { early } });
    const answers = await Promise.all(
      numbers().map((index) => tables.rows(name, [{ id: index, delay: index % 3 ? 1 : -99 }], "mode=append")),
    );
    for (const [index, answer] of answers.entries())
      if (index % 3) assert.equal(addedRows(report(answer)), 1);
      else assertProblem(answer, { status: 422, code: "constraint_violated", detail: /early \(1 row\)/ });
    const taken = numbers().filter((index) => index % 3);
    assert.deepEqual(await tables.ids(name), [0, ...taken]);
  });

  it("hold back nulls where there may be none", async () => {
    const name = "strict";
    const columns = [
      { name: "id", dtype: "Int64", nullable: false },
      { name: "origin", dtype: "Utf8" },
    ];
    assert.equal((await tables.create(name, { columns })).status, 201);
    report(await tables.rows(name, [{ id: 1, origin: null }], "mode=append"));
    const broken = await tables.rows(name, [{ id: null, origin: "SEA" }], "mode=append");
    assertProblem(broken, { status: 422, code: "constraint_violated", detail: /id not null/ });
    assert.deepEqual(await tables.ids(name), [1]);
  });

  /** Appends `index + 1` rows. */
  function append(name: string, index: number): Promise<Answer> {
    const rows = Array.from({ length: index + 1 }, (_, row) => ({ id: 1000 * index + row, origin: "SEA", delay: row }));
    return tables.rows(name, rows, "mode=append", key(name, index));
  }

  function versionsOf(name: string): Version[] {
    const versions = Array.from({ length: newestVersion(join(warehouse, name)) }, (_, index) => index + 1);
    return versions.map((version) => {
      const lines = readFileSync(commitFile(warehouse, name, version), "utf8")
        .trim()
        .split("\n");
      const actions = lines.map((line) => JSON.parse(line));
      return {
        adds: actions.flatMap(({ add }) => (add ? [add.path] : [])),
        metrics: actions.find(({ commitInfo }) => commitInfo).commitInfo.operationMetrics,
      };
    });
  }
});

interface Version {
  adds: string[];
  metrics: { num_added_files: number; num_added_rows: number };
}

const numbers = () => Array.from({ length: appends }, (_, index) => index);
const key = (name: string, index: number) => ({ "idempotency-key": `${name}-${index}` });
const addedRows = ({ metrics }: DeltaMutationReport) => metrics?.["num_added_rows"];
const outcomeOf = ({ version, operation, metrics }: DeltaMutationReport) => ({ version, operation, metrics });
