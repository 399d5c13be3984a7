/** `npm run test:spark`: what Lakegate writes, every operation once and every type, read by Apache Spark with Delta Lake. Installs about 450 MB on its first run; needs Java 17 and Maven. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LinePeer } from "../../bench/line-peer.js";
import { cache, inRoot } from "../../setup/places.mjs";
import { installPython, interpreter } from "../../setup/python.mjs";
import { run, step } from "../../setup/steps.mjs";
import { inWarehouse } from "../faults/warehouse.js";
import { startServer } from "../fixture/server.js";
import { performSteps } from "./steps.js";

const folder = join(cache, "spark");
const jars = join(folder, "jars");
const environment = { folder: join(folder, "venv"), requirements: inRoot("test/interop/spark-requirements.txt") };

mkdirSync(folder, { recursive: true });
await installPython(environment);
if (!existsSync(jars)) await step("getting the jars of Delta Lake", getJars);
const faults = await inWarehouse(readAll);
for (const fault of faults) console.error(`✗ ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** Spark's own jars came with its Python package. */
async function getJars(): Promise<void> {
  const unfinished = `${jars}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const options = ["-DincludeScope=runtime", "-DexcludeGroupIds=org.apache.spark,org.scala-lang"];
  const goal = ["dependency:copy-dependencies", `-DoutputDirectory=${unfinished}`];
  await run("mvn", ["-q", "-B", "-f", inRoot("test/interop/pom.xml"), ...goal, ...options]);
  renameSync(unfinished, jars);
}

async function readAll(warehouse: string): Promise<string[]> {
  const server = await startServer({ warehouse });
  const spark = new LinePeer(interpreter(environment), [inRoot("test/interop/spark.py"), jars]);
  const faults: string[] = [];
  try {
    const readings = await performSteps(server.client, interpreter(environment));
    for (const { step, table, version, arrow } of readings) {
      const difference = await spark.ask<string | null>({ folder: join(warehouse, table), version, arrow });
      if (difference) faults.push(`${table} at ${version}, after ${step}: ${difference}`);
    }
    console.log(`${readings.length - faults.length} of ${readings.length} versions read by Spark as by Lakegate`);
    return faults;
  } finally {
    await Promise.all([server.stop(), spark.stop()]);
  }
}
