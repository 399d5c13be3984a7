/** `npm run test:fuzz`: schemathesis sends thousands of right and wrong requests, made from the OpenAPI document, to a running service. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { makeDemoWarehouse } from "../../setup/demo-warehouse.mjs";
import { cache, inRoot, testWarehouse } from "../../setup/places.mjs";
import { installPython, interpreter } from "../../setup/python.mjs";
import { startServer } from "../fixture/server.js";

const environment = { folder: join(cache, "fuzz", "venv"), requirements: inRoot("test/fuzz/requirements.txt") };
const fewest = 10_000;

const { values } = parseArgs({ options: { seed: { type: "string" }, examples: { type: "string", default: "200" } } });
const seed = values.seed ?? String(Math.trunc(Math.random() * 2 ** 31));

await installPython(environment);
await makeDemoWarehouse(testWarehouse);
const warehouse = mkdtempSync(join(tmpdir(), "lakegate-fuzz-warehouse-"));
cpSync(testWarehouse, warehouse, { recursive: true });
const server = await startServer({
  warehouse,
  environment: { LAKEGATE_QUERY_TIMEOUT_MS: "10000", LAKEGATE_LOG_LEVEL: "error" },
});
const report = join(mkdtempSync(join(tmpdir(), "lakegate-fuzz-")), "report.json");
const started = Date.now();
try {
  console.log(`Seed ${seed}; the same again: npm run test:fuzz -- --seed ${seed} --examples ${values.examples}`);
  const status = await fuzz();
  const cases = countCases();
  console.log(`${cases} cases in ${Math.round((Date.now() - started) / 1000)} s; the report: ${report}`);
  if (!(await server.client.send("/health/live")).text.includes("ok")) throw new Error("the service is gone");
  if (cases < fewest) console.error(`That is less than the ${fewest} cases that count.`);
  process.exitCode = status !== 0 || cases < fewest ? 1 : 0;
} finally {
  await server.stop();
  rmSync(warehouse, { recursive: true, force: true });
}

async function fuzz(): Promise<number> {
  const program = join(dirname(interpreter(environment)), "schemathesis");
  const options = ["--seed", seed, "--max-examples", values.examples, "--continue-on-failure", "--no-color"];
  const reports = ["--report", "json", "--report-json-path", report];
  const child = spawn(
    program,
    ["run", `${server.url}/openapi.json`, ...options, ...reports, "--phases", "examples,coverage,fuzzing,stateful"],
    { cwd: inRoot("test/fuzz"), stdio: "inherit" },
  );
  const [code] = await once(child, "exit");
  return code ?? 1;
}

/** An interrupted run leaves an empty report. */
function countCases(): number {
  const text = readFileSync(report, "utf8");
  return text === "" ? 0 : JSON.parse(text).test_cases.generated;
}
