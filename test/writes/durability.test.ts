/** An acknowledged commit survives a loss of power: its files and their folders are on the disk before the answer. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createNumbered, perform } from "../faults/numbered-table.js";
import { OperationSource } from "../faults/operation-source.js";
import type { OperationKind } from "../faults/operations.js";
import { SeededRandom } from "../faults/seeded-random.js";
import { type SystemCall, SystemCalls, withoutSystemCalls } from "../faults/system-calls.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";

const kinds: readonly OperationKind[] = ["append", "merge", "optimize", "overwrite", "update", "delete"];

describe("what is acknowledged is on the disk", { skip: withoutSystemCalls }, () => {
  const warehouse = join(temporaryFolder(), "warehouse");
  const folder = join(warehouse, "durable");
  const log = join(folder, "_delta_log");
  const source = new OperationSource(new SeededRandom(3));
  let server: TestServer;

  before(async () => {
    mkdirSync(warehouse);
    server = await startServer({ warehouse });
    await createNumbered(server.client, "durable");
    for (let file = 0; file < 2; file++) await perform(server.client, "durable", source.next("append"));
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true, force: true });
  });

  for (const kind of kinds)
    it(kind, async () => {
      const operation = source.next(kind);
      const following = await SystemCalls.of(server.pid, folder, { mode: "list" });
      const outcome = await perform(
        server.client,
        "durable",
        "where" in operation ? { ...operation, where: undefined } : operation,
      );
      await following.stop();
      assert.equal(outcome.ended, "done", JSON.stringify(outcome));
      assertDurable(following.calls);
    });

  function assertDurable(calls: SystemCall[]): void {
    const commit = calls.findIndex(isCommit);
    const answer = calls.findIndex(({ paths }, index) => index > commit && paths[0]?.startsWith("socket:"));
    assert.ok(commit >= 0 && answer > commit, JSON.stringify(calls));
    const planned = calls.slice(0, commit);
    const before = synced(planned);
    assert.ok(
      calls[commit]?.paths.some((path) => before.has(path)),
      "the commit, before it has its name",
    );
    assert.ok(synced(calls.slice(commit, answer)).has(log), "the folder of the log, after the commit has its name");
    const files = planned.filter(namesDataFile);
    for (const { paths } of files)
      assert.ok(
        paths.some((path) => before.has(path)),
        `the data file ${paths.at(-1)}`,
      );
    assert.ok(files.length === 0 || before.has(folder), "the folder of the data files");
  }

  function isCommit({ call, paths }: SystemCall): boolean {
    return /^(rename|link)/.test(call) && /_delta_log\/\d{20}\.json$/.test(paths.at(-1) ?? "");
  }
});

/** The files and folders that are on the disk after the calls. */
function synced(calls: SystemCall[]): Set<string> {
  const syncs = calls.filter(({ call }) => call === "fsync" || call === "fdatasync");
  return new Set(syncs.flatMap(({ paths }) => paths));
}

function namesDataFile({ call, paths }: SystemCall): boolean {
  return /^(rename|link)/.test(call) && (paths.at(-1) ?? "").endsWith(".parquet");
}
