/** Two server processes write one table: what both acknowledge is in it exactly once, in the order of the commits. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { faultsOfLog, newestVersion } from "../faults/commit-log.js";
import { History } from "../faults/history.js";
import { createNumbered, isConflict, type Outcome, perform, readNumbered } from "../faults/numbered-table.js";
import { OperationSource } from "../faults/operation-source.js";
import type { Operation, OperationKind } from "../faults/operations.js";
import { SeededRandom } from "../faults/seeded-random.js";
import { SystemCalls, withoutSystemCalls } from "../faults/system-calls.js";
import { refusals, Workload } from "../faults/workload.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";

const kinds: readonly OperationKind[] = ["append", "optimize", "overwrite", "delete", "update", "merge"];

describe("two servers on one table", () => {
  const warehouse = join(temporaryFolder(), "warehouse");
  const source = new OperationSource(new SeededRandom(5));
  let servers: [TestServer, TestServer];

  before(async () => {
    mkdirSync(warehouse);
    servers = await Promise.all([startServer({ warehouse }), startServer({ warehouse })]);
  });
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(warehouse, { recursive: true, force: true });
  });

  describe("one of them held while it commits", { skip: withoutSystemCalls }, () => {
    for (const first of kinds)
      for (const stale of kinds)
        it(`${first}, then a stale ${stale}`, async () => {
          const table = `${first}_then_${stale}`;
          await makeTable(table);
          const history = await historyOf(table);
          const outcomes = await overlap(table, everyRow(first), everyRow(stale));
          history.add(outcomes);
          await history.replay(newestVersion(join(warehouse, table)));
          assert.deepEqual([...history.faults, ...faultsOfLog(warehouse, table), ...refusals(outcomes)], []);
          assert.ok(outcomes[0]?.ended === "done", "the first is acknowledged");
          assert.ok(outcomes.every((outcome) => outcome.ended === "done" || isConflict(outcome)));
        });
  });

  it("mixes a hundred operations of four writers", async () => {
    await makeTable("mixed");
    const history = await historyOf("mixed");
    const clients = servers.map(({ client }) => client);
    const outcomes = await new Workload(clients, "mixed", source, new SeededRandom(7)).run(4, 100);
    history.add(outcomes);
    await history.replay(newestVersion(join(warehouse, "mixed")));
    assert.deepEqual([...history.faults, ...faultsOfLog(warehouse, "mixed"), ...refusals(outcomes)], []);
    assert.ok(outcomes.filter(({ ended }) => ended === "done").length >= 60, "most are acknowledged");
    const [left, right] = await Promise.all(clients.map((client) => readNumbered(client, "mixed")));
    assert.deepEqual(left, right);
  });

  /** Four small files, so that there is something to compact; both servers have seen the table. */
  async function makeTable(table: string): Promise<void> {
    await createNumbered(servers[0].client, table);
    for (let file = 0; file < 4; file++) {
      const append = source.next("append");
      const outcome = await perform(servers[0].client, table, append);
      assert.equal(outcome.ended, "done", JSON.stringify(outcome));
      source.settle(append);
    }
    await Promise.all(servers.map(({ client }) => readNumbered(client, table)));
  }

  function historyOf(table: string): Promise<History> {
    const read = (version: number) => readNumbered(servers[0].client, table, version);
    return History.from(read, newestVersion(join(warehouse, table)));
  }

  /** The operation, on all rows that it can be on. */
  function everyRow(kind: OperationKind): Operation {
    const operation = source.next(kind);
    if (operation.kind === "delete" || operation.kind === "update") return { ...operation, where: undefined };
    return operation;
  }

  /** `stale` stands before its commit's first file until `first` is through. */
  async function overlap(table: string, first: Operation, stale: Operation): Promise<Outcome[]> {
    const [one, other] = servers;
    const log = join(warehouse, table, "_delta_log");
    const calls = await SystemCalls.of(other.pid, join(warehouse, table), { mode: "hold", part: log });
    const second = perform(other.client, table, stale);
    const isHeld = await Promise.race([calls.held.then(() => true), second.then(() => false)]);
    assert.ok(isHeld, "the stale operation is held");
    const done = perform(one.client, table, first);
    await Promise.race([done, pause(2000)]);
    calls.release();
    const outcomes = await Promise.all([done, second]);
    await calls.stop();
    return outcomes;
  }
});
