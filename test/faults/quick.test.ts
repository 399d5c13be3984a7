/** Small versions of `npm run test:faults`. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { kill } from "./kill.js";
import { retries } from "./retries.js";
import type { Suite } from "./run.js";
import { SeededRandom } from "./seeded-random.js";
import { killsDuring } from "./syscalls.js";
import { withoutSystemCalls } from "./system-calls.js";
import { writers } from "./writers.js";

const suites: readonly [name: string, suite: Suite, scale: number, skip: string | false][] = [
  ["eight writers through two servers", writers, 0.1, false],
  ["operations that are sent several times", retries, 0.08, false],
  ["kill -9 at random", kill, 0.06, false],
  ["kill -9 at a system call", killsDuring(["append"]), 0.15, withoutSystemCalls],
];

describe("no write is lost, doubled or half done", () => {
  for (const [name, suite, scale, skip] of suites)
    it(name, { skip }, async () => assert.deepEqual(await suite(new SeededRandom(11), scale), []));
});
