/** A warehouse of a suite's own, which it leaves behind only when something is wrong. */
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "../fixture/server.js";

export async function inWarehouse(work: (warehouse: string) => Promise<string[]>): Promise<string[]> {
  const warehouse = join(temporaryFolder(), "warehouse");
  mkdirSync(warehouse);
  const faults = await work(warehouse);
  if (faults.length === 0) rmSync(dirname(warehouse), { recursive: true, force: true });
  else console.log(`  the tables are kept in ${warehouse}`);
  return faults;
}
