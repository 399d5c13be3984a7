/** kill -9 at random moments while four writers work; a second server goes on and then the first comes back. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startServer, type TestServer } from "../fixture/server.js";
import { faultsOfLog, newestVersion, strayFiles } from "./commit-log.js";
import { History } from "./history.js";
import { killServer } from "./killed.js";
import { createNumbered, readNumbered } from "./numbered-table.js";
import { OperationSource } from "./operation-source.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";
import { unswept } from "./sweep.js";
import { inWarehouse } from "./warehouse.js";
import { refusals, tally, Workload } from "./workload.js";

const table = "fragile";
const writerCount = 4;
const killCount = 50;

export const kill: Suite = (random, scale) =>
  inWarehouse((warehouse) => killed(warehouse, random, Math.max(1, Math.round(killCount * scale))));

async function killed(warehouse: string, random: SeededRandom, kills: number): Promise<string[]> {
  const survivor = await startServer({ warehouse });
  try {
    await createNumbered(survivor.client, table);
    const history = await History.from((version) => readNumbered(survivor.client, table, version), 0);
    const source = new OperationSource(random);
    const faults: string[] = [];
    let strays = 0;
    for (let round = 0; round < kills; round++) {
      faults.push(...(await killOnce({ warehouse, survivor, source, random, history })));
      strays = Math.max(strays, strayFiles(join(warehouse, table)).length);
    }
    console.log(`  ${history.surprises} operations had happened although their answer was lost`);
    console.log(`  up to ${strays} unfinished files lay in the table's folder`);
    await survivor.stop();
    return [...faults, ...history.faults, ...faultsOfLog(warehouse, table), ...(await unswept(warehouse, [table]))];
  } finally {
    await survivor.stop();
  }
}

interface Round {
  warehouse: string;
  survivor: TestServer;
  source: OperationSource;
  random: SeededRandom;
  history: History;
}

async function killOnce({ warehouse, survivor, source, random, history }: Round): Promise<string[]> {
  const victim = await startServer({ warehouse });
  const exposed = new Workload([victim.client], table, source, random);
  const safe = new Workload([survivor.client], table, source, random);
  const ended = [exposed.run(writerCount), safe.run(1)];
  await pause(random.between(100, 1500));
  await killServer(victim);
  safe.stop();
  const outcomes = (await Promise.all(ended)).flat();
  await victim.stop();
  history.add(outcomes);
  await history.replay(newestVersion(join(warehouse, table)));
  console.log(`  at version ${history.version}: ${tally(outcomes)}`);
  const broken = safe.outcomes.filter(({ ended }) => ended === "unknown");
  return [...refusals(outcomes), ...broken.map(({ operation }) => `the survivor broke off ${operation.id}`)];
}
