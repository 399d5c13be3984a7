/** The checker of histories finds what is lost, doubled or in the wrong order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "./history.js";
import type { Outcome } from "./numbered-table.js";
import { applied, type Operation, type Rows, rowsOf } from "./operations.js";

const row = (id: number) => ({ id, origin: "start", writer: "start", amount: id });
const append: Operation = { id: "append-1", kind: "append", rows: [{ ...row(10), origin: "append-1" }] };
const more: Operation = { id: "append-2", kind: "append", rows: [{ ...row(11), origin: "append-2" }] };
const update: Operation = { id: "update-1", kind: "update", add: 5 };
const remove: Operation = {
  id: "delete-1",
  kind: "delete",
  where: { from: 0, below: 100, modulus: 1, remainder: 0 },
};
const optimize: Operation = { id: "optimize-1", kind: "optimize", zOrder: false };
const start = rowsOf([row(1), row(2)]);

const done = (operation: Operation, version: number, after = 0): Outcome => ({
  operation,
  ended: "done",
  version,
  skipped: false,
  after,
});
const unknown = (operation: Operation): Outcome => ({ operation, ended: "unknown" });

/** The faults of a table whose versions are what the operations make of it, each list one commit. */
async function faultsOf(commits: Operation[][], outcomes: Outcome[]): Promise<string[]> {
  const versions: Rows[] = [start];
  for (const commit of commits) versions.push(commit.reduce(applied, versions.at(-1) ?? start));
  const history = await History.from(async (version) => versions[version] ?? start, 0);
  history.add(outcomes);
  await history.replay(commits.length);
  return history.faults;
}

const right: Record<string, [Operation[][], Outcome[]]> = {
  "one after the other": [
    [[append], [update], [remove]],
    [done(append, 1), done(update, 2), done(remove, 3)],
  ],
  "appends that share a commit": [[[append, more]], [done(append, 1), done(more, 1)]],
  "an optimize": [
    [[append], [optimize]],
    [done(append, 1), done(optimize, 2)],
  ],
  "an operation with nothing to do": [[[remove]], [done(remove, 1), done({ ...update, id: "update-2" }, 1)]],
  "an unknown operation that happened": [
    [[update], [append]],
    [unknown(update), done(append, 2)],
  ],
  "an unknown append in a shared commit": [[[append, more]], [done(append, 1), unknown(more)]],
  "an unknown operation that did not happen": [[[append]], [done(append, 1), unknown(update)]],
};

for (const [name, [commits, outcomes]] of Object.entries(right))
  test(`accepts ${name}`, async () => assert.deepEqual(await faultsOf(commits, outcomes), []));

const wrong: Record<string, [Operation[][], Outcome[]]> = {
  "a lost append": [[[optimize]], [done(append, 1), done(optimize, 1)]],
  "a lost update": [[[optimize]], [done(optimize, 1), done(update, 1)]],
  "an update made twice": [[[update], [update]], [done(update, 1)]],
  "an unknown update made twice": [[[update], [update]], [unknown(update)]],
  "an operation of nobody": [[[append], [remove]], [done(append, 1)]],
  "a commit of nobody without effect": [[[append], [optimize]], [done(append, 1)]],
  "a refused operation that happened": [
    [[update]],
    [{ operation: update, ended: "refused", status: 409, problem: {} as never }],
  ],
  "the wrong version": [
    [[append], [update]],
    [done(append, 2), done(update, 1)],
  ],
  "a version that is not there": [[[append]], [done(append, 1), done(update, 2)]],
  "an old version for a later operation": [
    [[append], [update]],
    [done(append, 1), done(update, 2), done(optimize, 1, 2)],
  ],
};

for (const [name, [commits, outcomes]] of Object.entries(wrong))
  test(`finds ${name}`, async () => assert.ok((await faultsOf(commits, outcomes)).length > 0));
