/** Makes a warehouse of demo tables, whole or not at all. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { inRoot } from "./places.mjs";
import { run, step } from "./steps.mjs";

export async function makeDemoWarehouse(warehouse) {
  if (existsSync(warehouse)) return;
  const unfinished = `${warehouse}.unfinished`;
  await step("writing the demo tables", async () => {
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(dirname(warehouse), { recursive: true });
    await run(process.execPath, ["--import", "tsx", inRoot("setup/demo/write.ts"), unfinished]);
    renameSync(unfinished, warehouse);
  });
}
