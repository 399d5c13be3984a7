/** Work that is told to end waits for nothing more. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Admission } from "../../engine/admission.js";
import { DocumentStore } from "../../engine/document-store.js";
import { Quarantine } from "../../engine/quarantine.js";
import { RunningWorkLog } from "../../engine/running-work.js";
import { temporaryFolder } from "../fixture/server.js";

const log = { info() {}, warn() {} };
const work = { id: "1", statement: "hash", sql: "SELECT 1" };
const canceled = { code: "query_canceled" };

describe("passes", () => {
  const folder = temporaryFolder();
  const limits = { running: 1, runningOfCaller: 8, waiting: 8, waitingOfCaller: 8, waitMs: 60_000 };
  const running = new RunningWorkLog(join(folder, "running.jsonl"), log);
  const quarantine = new Quarantine(new DocumentStore(join(folder, "quarantine"), log), log);
  const admission = new Admission(limits, { running, quarantine });
  running.take();
  after(() => rmSync(folder, { recursive: true }));

  it("give no room to work that was told to end", async () => {
    const pass = admission.enter(work, { id: "a" });
    await pass.ready;
    pass.linger();
    await assert.rejects(pass.makeRoom(), canceled);
    assert.equal(admission.heavy.taken, 0);
    pass.leave(false);
    assert.equal(admission.light.taken, 0);
  });

  it("end the wait for room when the work is given up", async () => {
    const [first, second] = [admission.enter(work, { id: "a" }), admission.enter({ ...work, id: "2" }, { id: "b" })];
    await Promise.all([first.ready, second.ready]);
    await first.makeRoom();
    const waits = second.makeRoom();
    second.leave(false);
    await assert.rejects(waits, canceled);
    first.leave(true);
    assert.deepEqual([admission.heavy.taken, admission.heavy.waiting, admission.light.taken], [0, 0, 0]);
  });
});
