/** `npm test`: prepares the clone where that is needed, then runs every test file, two at a time. */
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeDemoWarehouse } from "./demo-warehouse.mjs";
import { isStale } from "./freshness.mjs";
import { inRoot, root, testWarehouse } from "./places.mjs";
import { prepare } from "./prepare.mjs";
import { environments, hasPython, installPython } from "./python.mjs";
import { reportingFailure } from "./steps.mjs";

const started = Date.now();

await reportingFailure(async () => {
  await prepare();
  if (isStale(".lakegate/test/warehouse", ["setup/demo", "native/lakegate.node"]))
    rmSync(testWarehouse, { recursive: true, force: true });
  await makeDemoWarehouse(testWarehouse);
  if (hasPython()) await installPython(environments.test);
  process.exitCode = runTests(process.argv.slice(2));
});

function runTests(named) {
  const files = named.length > 0 ? named : testFiles();
  const options = ["--test", "--test-concurrency=2", "--test-timeout=900000", "--test-reporter=./test/reporter.mjs"];
  const { status } = spawnSync(process.execPath, ["--import", "tsx", ...options, ...files], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, TESTS_STARTED: String(started) },
  });
  return status ?? 1;
}

function testFiles() {
  return readdirSync(inRoot("test"), { recursive: true })
    .filter((file) => file.endsWith(".test.ts"))
    .sort()
    .map((file) => join("test", file));
}
