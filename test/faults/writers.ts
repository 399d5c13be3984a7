/** Eight writers mix a thousand operations through two server processes. */
import { join } from "node:path";
import { startServer } from "../fixture/server.js";
import { faultsOfLog, newestVersion } from "./commit-log.js";
import { History } from "./history.js";
import { createNumbered, readNumbered } from "./numbered-table.js";
import { OperationSource } from "./operation-source.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";
import { inWarehouse } from "./warehouse.js";
import { refusals, tally, Workload } from "./workload.js";

const table = "contended";
const writerCount = 8;
const operationCount = 1000;

export const writers: Suite = (random, scale) =>
  inWarehouse((warehouse) => mix(warehouse, random, Math.round(operationCount * scale)));

async function mix(warehouse: string, random: SeededRandom, operations: number): Promise<string[]> {
  const servers = await Promise.all([startServer({ warehouse }), startServer({ warehouse })]);
  try {
    const clients = servers.map(({ client }) => client);
    const [client] = servers.map((server) => server.client);
    if (!client) throw new Error("there is no server");
    await createNumbered(client, table);
    const history = await History.from((version) => readNumbered(client, table, version), 0);
    const started = performance.now();
    const outcomes = await new Workload(clients, table, new OperationSource(random), random).run(
      writerCount,
      operations,
    );
    const seconds = (performance.now() - started) / 1000;
    history.add(outcomes);
    const newest = newestVersion(join(warehouse, table));
    await history.replay(newest);
    console.log(
      `  ${outcomes.length} operations of ${writerCount} writers in ${seconds.toFixed(0)} s: ${tally(outcomes)}`,
    );
    console.log(`  ${newest} commits, each replayed`);
    const slow = outcomes
      .filter(({ ended }) => ended === "unknown")
      .map(({ operation }) => `${operation.id} broke off`);
    return [...history.faults, ...faultsOfLog(warehouse, table), ...refusals(outcomes), ...slow];
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
