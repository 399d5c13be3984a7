/** What can go wrong with kept results: damage, a full disk, kills, and writers that they don't hear of. */
import { damagedResults } from "./damaged-results.js";
import { fullDisk } from "./full-disk.js";
import { killedKeeping } from "./killed-keeping.js";
import type { Suite } from "./run.js";
import { twoCaches } from "./two-caches.js";

export const results: Suite = async (random, scale) => {
  const faults: string[] = [];
  for (const suite of [twoCaches, damagedResults, fullDisk, killedKeeping])
    faults.push(...(await suite(random, scale)));
  return faults;
};
