/** Change data feeds, checkpoints and compacted logs that Spark and Databricks wrote: right rows and changes, or a clear refusal. */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import type { QueryAnswer, TableFileList, TableHistory } from "../schemas/generated/index.js";
import { inRoot } from "../setup/places.mjs";
import { assertProblem } from "./fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "./fixture/server.js";

type Row = Record<string, unknown>;

const kernel = resolve(inRoot(), process.env.LAKEGATE_TABLES ?? "../shared/tables", "kernel");
const names = existsSync(kernel) ? readdirSync(kernel).sort() : [];
const tableName = (name: string) => name.replaceAll("-", "_");

/** Of whose commits somebody wrote changes that its files don't show. */
const madeUp = "cdf-table-simple";
const mapped = "cdf-column-mapping-name-mode";
const variant = "unshredded-variant";
const changing = [...names.filter((name) => name.startsWith("cdf-")), "compacted-log-files-table"];

describe("kernel tables", { skip: names.length === 0 ? `there is no ${kernel}` : false }, () => {
  let server: TestServer;
  const warehouse = temporaryFolder();

  before(async () => {
    mkdirSync(warehouse, { recursive: true });
    for (const name of names) cpSync(join(kernel, name), join(warehouse, name), { recursive: true });
    server = await startServer({ warehouse });
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true });
  });

  const rowsAt = async (name: string, version: number) => {
    const table = tableName(name);
    return (await server.client.rows({ sql: `SELECT * FROM ${table}`, tables: { [table]: { version } } })) as Row[];
  };
  const changesOf = async (name: string, version: number) => {
    const range = `starting_version=${version}&ending_version=${version}`;
    const answer = await server.client.send(`/v1/tables/${tableName(name)}/changes?${range}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.as<QueryAnswer>().data as Row[];
  };

  for (const name of changing.filter((name) => ![madeUp, mapped].includes(name))) {
    it(`${name}: the changes of each version turn the rows before it into those after`, async () => {
      let rows: Row[] = [];
      for (const version of versionsOf(name).keys()) {
        const changes = await changesOf(name, version);
        assert.ok(changes.every((change) => change._commit_version === version));
        const next = await rowsAt(name, version);
        assert.deepEqual(applied(rows, changes), texts(next), `version ${version}`);
        rows = next;
      }
      const whole = await server.client.send(`/v1/tables/${tableName(name)}/changes`);
      assert.deepEqual(applied([], whole.as<QueryAnswer>().data as Row[]), texts(rows));
    });
  }

  it(`${madeUp}: the changes that were written stand for the commit`, async () => {
    const counts = await Promise.all([0, 1, 2].map((version) => changesOf(madeUp, version)));
    const shown = counts.map((changes) => changes.map(({ id, _change_type }) => `${_change_type} ${id}`).sort());
    const all = (type: string, from: number, to: number) => numbers(from, to).map((id) => `${type} ${id}`);
    assert.deepEqual(shown, [all("insert", 0, 9), all("delete", 0, 9), all("insert", 20, 24)]);
  });

  it(`${mapped}: rows are read, changes are refused with the feature's name`, async () => {
    assert.ok((await rowsAt(mapped, 4)).length > 0);
    const answer = await server.client.send(`/v1/tables/${tableName(mapped)}/changes?starting_version=2`);
    const problem = assertProblem(answer, { status: 422, code: "table_unsupported", detail: /column mapping/ });
    assert.deepEqual(problem.details?.features, ["columnMapping"]);
  });

  it(`${variant}: rows are read, and the variants as their bytes`, async () => {
    const [count] = await server.client.rows(`SELECT count(*) AS n, min(id) AS first FROM ${tableName(variant)}`);
    assert.deepEqual(count, { n: 102, first: 0 });
    const [row] = (await server.client.rows(`SELECT id, v FROM ${tableName(variant)} WHERE id = 1 LIMIT 1`)) as {
      v: Row;
    }[];
    assert.deepEqual(Object.keys(row?.v ?? {}).sort(), ["metadata", "value"]);
  });

  for (const name of names) {
    it(`${name}: files and history are those of the log`, async () => {
      const commits = versionsOf(name);
      const history = (await server.client.send(`/v1/tables/${tableName(name)}/history?limit=1000`)).as<TableHistory>();
      const operations = history.items.map(({ version, operation }) => [version, operation]).reverse();
      assert.deepEqual(operations, operationsOf(commits));
      const answer = await server.client.send(`/v1/tables/${tableName(name)}/files?limit=1000`);
      const { items } = answer.as<TableFileList>();
      assert.deepEqual(
        items.map(({ path }) => path),
        [...filesOf(commits).keys()].sort(),
      );
      assert.ok(items.every(({ path }) => existsSync(join(warehouse, name, path))));
      const [count] = (await server.client.rows(`SELECT count(*) AS n FROM ${tableName(name)}`)) as { n: number }[];
      assert.equal(count?.n, sum([...filesOf(commits).values()]));
    });
  }
});

type Action = Record<string, Row & { path: string; operation?: string; stats?: string; deletionVector?: Row }>;

/** The actions of each commit, as the log has them. */
function versionsOf(name: string): Action[][] {
  const log = join(kernel, name, "_delta_log");
  const commits = readdirSync(log).filter((file) => /^\d{20}\.json$/.test(file));
  return commits.sort().map((file) =>
    readFileSync(join(log, file), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Action),
  );
}

function operationsOf(commits: Action[][]): unknown[] {
  return commits.map((actions, version) => {
    const info = actions.find((action) => action.commitInfo !== undefined);
    return [version, info?.commitInfo?.operation ?? null];
  });
}

/** The rows of each file that is left, by its path, told by replaying the commits. */
function filesOf(commits: Action[][]): Map<string, number> {
  const files = new Map<string, number>();
  for (const actions of commits) {
    for (const { remove } of actions) if (remove) files.delete(decodeURIComponent(remove.path));
    for (const { add } of actions) {
      if (add === undefined) continue;
      const rows = JSON.parse(String(add.stats)).numRecords - Number(add.deletionVector?.cardinality ?? 0);
      files.set(decodeURIComponent(add.path), rows);
    }
  }
  return files;
}

/** What is left of rows after changes, as sorted texts. */
function applied(rows: Row[], changes: Row[]): string[] {
  const counts = new Map<string, number>();
  const count = (row: string, by: number) => counts.set(row, (counts.get(row) ?? 0) + by);
  for (const row of texts(rows)) count(row, 1);
  for (const { _change_type, _commit_version, _commit_timestamp, ...row } of changes)
    count(text(row), ["insert", "update_postimage"].includes(String(_change_type)) ? 1 : -1);
  assert.ok([...counts.values()].every((times) => times >= 0));
  return [...counts].flatMap(([row, times]) => Array<string>(times).fill(row)).sort();
}

function texts(rows: Row[]): string[] {
  return rows.map(text).sort();
}

function text(row: Row): string {
  const cells = Object.entries(row).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify(cells, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
