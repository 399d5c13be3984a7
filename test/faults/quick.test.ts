/** Small versions of `npm run test:faults`. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withoutSqlLogicFiles } from "../sqllogictest/files.js";
import { access } from "./access.js";
import { bombs } from "./bombs.js";
import { damagedResults } from "./damaged-results.js";
import { failing } from "./disk.js";
import { escapes } from "./escapes.js";
import { fullDisk, withoutMounts } from "./full-disk.js";
import { kill } from "./kill.js";
import { killedKeeping } from "./killed-keeping.js";
import { memory } from "./memory.js";
import { pipelines } from "./pipelines.js";
import { registries } from "./registries.js";
import { retries } from "./retries.js";
import type { Suite } from "./run.js";
import { secrets } from "./secrets.js";
import { SeededRandom } from "./seeded-random.js";
import { sqllogictest } from "./sqllogictest.js";
import { killsDuring } from "./syscalls.js";
import { withoutSystemCalls } from "./system-calls.js";
import { twoCaches } from "./two-caches.js";
import { views } from "./views.js";
import { writers } from "./writers.js";

/** Other tests run beside these. */
const patience = 30;

const suites: readonly [name: string, suite: Suite, scale: number, skip: string | false][] = [
  ["eight writers through two servers", writers, 0.1, false],
  ["operations that are sent several times", retries, 0.08, false],
  ["kill -9 at random", kill, 0.06, false],
  ["kill -9 at a system call", killsDuring(["append"]), 0.15, withoutSystemCalls],
  ["a disk that fails", failing(["append"]), 0.1, withoutSystemCalls],
  ["kill -9 while a registry changes", registries, 0.08, withoutSystemCalls],
  ["kill -9 under runs of pipelines", pipelines, 0.06, false],
];

const ofResults: typeof suites = [
  ["two servers while a writer commits", twoCaches, 0.2, false],
  ["damaged files", damagedResults, 0.05, false],
  ["views whose rows are kept", views, 0.03, false],
  ["a full disk", fullDisk, 0.1, withoutMounts],
  ["kill -9 while they are stored", killedKeeping, 0.06, false],
  ["a share of DataFusion's own files", sqllogictest, 0.05, withoutSqlLogicFiles()],
];

const ofLimits: typeof suites = [
  ["statements that blow up", bombs, 0.15, false],
  ["queries that want more memory than there is", memory, 0.5, false],
];

describe("the service goes on", () => {
  for (const [name, suite, scale, skip] of ofLimits)
    it(name, { skip }, async () => assert.deepEqual(await suite(new SeededRandom(11), scale, patience), []));
});

describe("nobody does what they may not", () => {
  it("every route with no key, a wrong one and each scope", async () =>
    assert.deepEqual(await access(new SeededRandom(11), 1), []));
  it("no way leads out of the allowed locations", async () =>
    assert.deepEqual(await escapes(new SeededRandom(11), 1), []));
  it("no secret comes back", async () => assert.deepEqual(await secrets(new SeededRandom(11), 1), []));
});

describe("no write is lost, doubled or half done", () => {
  for (const [name, suite, scale, skip] of suites)
    it(name, { skip }, async () => assert.deepEqual(await suite(new SeededRandom(11), scale), []));
});

describe("no answer is wrong", () => {
  for (const [name, suite, scale, skip] of ofResults)
    it(name, { skip }, async () => assert.deepEqual(await suite(new SeededRandom(11), scale), []));
});
