/** What Lakegate writes, every operation once and every type, is read back equal by the Delta kernel. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LinePeer } from "../../bench/line-peer.js";
import { cache, inRoot } from "../../setup/places.mjs";
import { installPython, interpreter } from "../../setup/python.mjs";
import { withoutPython } from "../fixture/python.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { performSteps, type Reading } from "../interop/steps.js";

const environment = { folder: join(cache, "interop", "venv"), requirements: inRoot("test/interop/requirements.txt") };

describe("the Delta kernel reads what Lakegate writes", { skip: withoutPython }, () => {
  const warehouse = join(temporaryFolder(), "warehouse");
  let server: TestServer;
  let kernel: LinePeer;
  let readings: Reading[];

  before(async () => {
    mkdirSync(warehouse);
    await installPython(environment);
    server = await startServer({ warehouse });
    kernel = new LinePeer(interpreter(environment), [inRoot("test/interop/kernel.py")]);
    readings = await performSteps(server.client, interpreter(environment));
  });
  after(async () => {
    await Promise.all([server.stop(), kernel.stop()]);
    rmSync(warehouse, { recursive: true, force: true });
  });

  for (const table of ["types", "arrivals", "partitioned", "plain"])
    it(`the table ${table}, after each operation`, async () => {
      const own = readings.filter((reading) => reading.table === table);
      const differences: string[] = [];
      for (const { step, version, arrow } of own) {
        const difference = await kernel.ask<string | null>({ folder: join(warehouse, table), version, arrow });
        if (difference) differences.push(`at ${version}, after ${step}: ${difference}`);
      }
      assert.deepEqual(differences, []);
      assert.ok(own.length > 0);
    });
});
