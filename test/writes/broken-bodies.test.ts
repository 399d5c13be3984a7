/** A body that breaks off writes nothing, however many whole rows of it came. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newestVersion, strayFiles } from "../faults/commit-log.js";
import { createNumbered, readNumbered, requestFor } from "../faults/numbered-table.js";
import { OperationSource } from "../faults/operation-source.js";
import { SeededRandom } from "../faults/seeded-random.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";

const table = "broken";

describe("a body that breaks off", () => {
  const warehouse = join(temporaryFolder(), "warehouse");
  const folder = join(warehouse, table);
  const source = new OperationSource(new SeededRandom(1));
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

  const lengths: Record<string, (body: string) => Record<string, string | number>> = {
    "in chunks": () => ({ "transfer-encoding": "chunked" }),
    "with its length": (body) => ({ "content-length": Buffer.byteLength(body) * 2 }),
  };
  const rows: Record<string, number> = { few: 10, many: 100_000 };

  for (const [way, lengthOf] of Object.entries(lengths))
    for (const [amount, count] of Object.entries(rows))
      it(`sent ${way}, after ${amount} rows`, async () => {
        const operation = { id: "append", kind: "append" as const, rows: source.newRows("append", count) };
        const { path, headers, body } = requestFor(table, operation);
        await sendPart(path, { ...headers, ...lengthOf(body) }, body);
        await pause(300);
        assert.equal(newestVersion(folder), 0);
        assert.equal((await readNumbered(server.client, table)).size, 0);
        assert.deepEqual(strayFiles(folder), []);
        assert.deepEqual(
          readdirSync(folder).filter((name) => name.endsWith(".parquet")),
          [],
        );
      });

  /** Sends the body as far as it goes, and hangs up without its end. */
  function sendPart(path: string, headers: Record<string, string | number>, body: string): Promise<void> {
    return new Promise((resolve) => {
      const sent = request(server.url + path, { method: "POST", headers });
      sent.on("error", () => resolve());
      sent.on("close", () => resolve());
      sent.write(body, () => setTimeout(() => sent.destroy(), 200));
    });
  }
});
