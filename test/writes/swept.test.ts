/** What a killed commit left unfinished goes away with the first write after a restart, once it is nobody's. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { strayFiles } from "../faults/commit-log.js";
import { killServer } from "../faults/killed.js";
import { createNumbered, perform } from "../faults/numbered-table.js";
import { OperationSource } from "../faults/operation-source.js";
import { SeededRandom } from "../faults/seeded-random.js";
import { SystemCalls, withoutSystemCalls } from "../faults/system-calls.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";

const table = "fragile";

describe("unfinished files of a server that was killed", { skip: withoutSystemCalls }, () => {
  const warehouse = join(temporaryFolder(), "warehouse");
  const folder = join(warehouse, table);
  const source = new OperationSource(new SeededRandom(3));
  let server: TestServer;

  before(async () => {
    mkdirSync(warehouse);
    server = await startServer({ warehouse });
    await createNumbered(server.client, table);
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true, force: true });
  });

  it("are removed by the first write, the old ones alone", async () => {
    const left = await killedCommit();
    const [old = "", young = ""] = [left, `${left}0`].map((path) => join(folder, path));
    copyFileSync(old, young);
    const hoursAgo = new Date(Date.now() - 2 * 3600_000);
    utimesSync(old, hoursAgo, hoursAgo);
    assert.equal((await perform(server.client, table, source.next("append"))).ended, "done");
    assert.deepEqual(strayFiles(folder), [`${left}0`]);
  });

  /** Kills the server at one system call of a commit after the other, until a file is left over; gives its path. */
  async function killedCommit(): Promise<string> {
    for (let at = 1; ; at++) {
      const calls = await SystemCalls.of(server.pid, folder, { mode: "kill", at });
      await perform(server.client, table, source.next("append"));
      await calls.stop();
      await killServer(server);
      await server.stop();
      server = await startServer({ warehouse });
      const [stray] = strayFiles(folder);
      if (stray !== undefined) return stray;
      assert.ok(calls.calls.length >= at, "no call of a commit leaves a file over");
    }
  }
});
