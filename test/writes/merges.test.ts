/** Merges by what they mean: random clauses and rows, of a source in memory, and of one that the library's own plan reads. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Problem } from "../../schemas/generated/index.js";
import { Drawn } from "../fixture/drawn.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { report, Writing } from "../fixture/writing.js";

const runs = Number(process.env["MERGE_RUNS"] ?? 40);
const seed = process.env["MERGE_SEED"] ?? "1";

interface Row {
  id: number | null;
  part: string;
  amount: number | null;
  name: string | null;
}

/** SQL, and what it says of a row of the table and one of the source. */
interface Condition {
  sql: string;
  holds(target: Row, source: Row): boolean;
}

const isLess = (left: number | null, right: number | null) => left !== null && right !== null && left < right;
const keys: Condition[] = [
  { sql: "t.id = s.id", holds: (t, s) => t.id !== null && t.id === s.id },
  { sql: "s.id = t.id AND t.part = s.part", holds: (t, s) => t.id !== null && t.id === s.id && t.part === s.part },
  { sql: "t.name = s.name", holds: (t, s) => t.name !== null && t.name === s.name },
  {
    sql: "t.id = s.id AND t.amount < s.amount",
    holds: (t, s) => t.id !== null && t.id === s.id && isLess(t.amount, s.amount),
  },
];
const conditions: (Condition | undefined)[] = [
  undefined,
  { sql: "t.amount < s.amount", holds: (t, s) => isLess(t.amount, s.amount) },
  { sql: "t.part = 'a' OR s.name IS NULL", holds: (t, s) => t.part === "a" || s.name === null },
];
const ofSource: (Condition | undefined)[] = [
  undefined,
  { sql: "s.amount < 50", holds: (_, s) => isLess(s.amount, 50) },
  { sql: "s.part = 'nowhere'", holds: () => false },
];

interface Merge {
  key: Condition;
  matched?: Condition | undefined;
  updates: boolean;
  deletes: boolean;
  inserts: boolean;
  inserted?: Condition | undefined;
}

describe("merges", () => {
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

  /** The rows in files of a few each. */
  const tableOf = async (files: Row[][], selection: string) => {
    const [first = [], ...others] = files;
    const name = await tables.table(first, selection);
    for (const rows of others) report(await tables.rows(name, rows));
    return name;
  };
  const rowsOf = async (name: string) => sorted((await tables.read(name, "id, part, amount, name")) as Row[]);

  it(`mean what they say, ${runs} times (MERGE_RUNS), seed ${seed} (MERGE_SEED)`, async () => {
    const drawn = new Drawn(seed);
    for (let run = 0; run < runs; run++) {
      const selection = drawn.of(["", "&partition_columns=part"]);
      const files = Array.from({ length: 1 + drawn.below(4) }, () => drawnRows(drawn, 1 + drawn.below(60)));
      const source = [...anchors, ...drawnRows(drawn, drawn.below(40))];
      const merge = drawnMerge(drawn);
      files[0] = [...anchors, ...(files[0] ?? [])];
      const [ours, theirs] = [await tableOf(files, selection), await tableOf(files, selection)];
      const wanted = merged(files.flat(), source, merge);
      const request = requestOf(merge);
      const label = `${run}: ${JSON.stringify(request)} ${selection}`;
      const answer = await tables.operate(ours, "merge", { ...request, source: { rows: source } });
      const named = { table: { name: await tables.table(source) } };
      const peer = await tables.operate(theirs, "merge", { ...request, source: named });
      assert.equal(answer.status, wanted ? 200 : peer.status, `${label} ${answer.text}`);
      assert.equal(answer.status, peer.status, `${label} ${answer.text} ${peer.text}`);
      if (!wanted) {
        assert.notEqual(answer.status, 200, label);
        assert.equal(answer.as<Problem>().code, peer.as<Problem>().code, label);
      }
      assert.deepEqual(await rowsOf(ours), sorted(wanted ?? files.flat()), label);
      assert.deepEqual(await rowsOf(theirs), sorted(wanted ?? files.flat()), label);
      if (wanted) assert.deepEqual(figures(answer), figures(peer), label);
    }
  });

  it("delete each of many rows once that many others match", async () => {
    const rows = (count: number, kinds: number) => Array.from({ length: count }, (_, id) => ({ id, kind: id % kinds }));
    const name = await tables.table(rows(20_000, 20));
    const { metrics } = await tables.done(name, "merge", {
      source: { rows: rows(400, 10) },
      predicate: "target.kind = source.kind",
      matched_delete: true,
    });
    assert.equal(metrics?.["num_target_rows_deleted"], 10_000);
    const left = await server.client.rows(`SELECT count(*) AS n, min(kind) AS least FROM ${name}`);
    assert.deepEqual(left, [{ n: 10_000, least: 10 }]);
  });

  it("leave files as they are of which no row changes", async () => {
    const name = await tableOf([[{ ...row, id: 1 }], [{ ...row, id: 2 }], [{ ...row, id: 3 }]], "");
    const { metrics } = await tables.done(name, "merge", {
      source: { rows: [{ ...row, id: 2, amount: 5 }] },
      predicate: "target.id = source.id",
      matched_updates: { amount: "source.amount" },
    });
    assert.equal(metrics?.["num_target_files_removed"], 1);
    assert.equal(metrics?.["num_target_rows_copied"], 0);
    assert.deepEqual(await tables.read(name, "id, amount"), [
      { id: 1, amount: 1 },
      { id: 2, amount: 5 },
      { id: 3, amount: 1 },
    ]);
  });
});

const row: Row = { id: 1000, part: "a", amount: 1, name: "anchor" };
/** So that each table has a value in every column. */
const anchors = [row];

function drawnRows(drawn: Drawn, count: number): Row[] {
  return Array.from({ length: count }, () => ({
    id: drawn.of([null, ...Array.from({ length: 9 }, () => drawn.below(300))]),
    part: drawn.of(["a", "b", "c"]),
    amount: drawn.of([null, drawn.below(100), drawn.below(100)]),
    name: drawn.of([null, `name ${drawn.below(300)}`, `name ${drawn.below(300)}`]),
  }));
}

function drawnMerge(drawn: Drawn): Merge {
  const [updates, deletes, inserts] = drawn.of([
    [true, false, true],
    [true, false, false],
    [false, true, false],
    [false, true, true],
    [true, true, true],
    [false, false, true],
  ]) as [boolean, boolean, boolean];
  return {
    key: drawn.of(keys),
    matched: updates || deletes ? drawn.of(conditions) : undefined,
    updates,
    deletes,
    inserts,
    inserted: inserts ? drawn.of(ofSource) : undefined,
  };
}

function requestOf({ key, matched, updates, deletes, inserts, inserted }: Merge): object {
  return {
    predicate: key.sql,
    source_alias: "s",
    target_alias: "t",
    ...(updates && { matched_updates: { amount: "s.amount + 1", name: "s.name" } }),
    ...(deletes && { matched_delete: true }),
    ...(matched && { matched_predicate: matched.sql }),
    ...(inserts && { not_matched_inserts: { id: "s.id", part: "s.part", amount: "s.amount" } }),
    ...(inserted && { not_matched_predicate: inserted.sql }),
  };
}

/** The rows after it; undefined where a row would be changed more than once. */
function merged(rows: Row[], source: Row[], merge: Merge): Row[] | undefined {
  const { key, matched, updates, deletes, inserts, inserted } = merge;
  const holds = (target: Row, found: Row) => matched?.holds(target, found) ?? true;
  const result: Row[] = [];
  for (const row of rows) {
    const found = source.filter((other) => key.holds(row, other));
    const changing = found.filter((other) => (updates && deletes) || holds(row, other));
    if (changing.length > 1 && (updates || deletes) && !(deletes && !matched)) return undefined;
    const [change] = changing;
    if (!change || !(updates || deletes)) result.push(row);
    else if (updates && !(deletes && holds(row, change)))
      result.push({ ...row, amount: change.amount === null ? null : change.amount + 1, name: change.name });
  }
  if (!inserts) return result;
  const isNew = (other: Row) => !rows.some((row) => key.holds(row, other));
  const accepted = source.filter((other) => isNew(other) && (inserted?.holds(other, other) ?? true));
  return [...result, ...accepted.map((row) => ({ ...row, name: null }))];
}

function sorted(rows: readonly Row[]): string[] {
  return rows.map(({ id, part, amount, name }) => JSON.stringify([id, part, amount, name])).sort();
}

function figures(answer: Parameters<typeof report>[0]): object {
  const all = Object.entries(report(answer).metrics ?? {});
  return Object.fromEntries(all.filter(([name]) => !name.endsWith("_ms")));
}
