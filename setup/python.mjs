/** Keeps a Python environment for the tests and benchmarks whose peers are Python packages. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cache, inRoot } from "./places.mjs";
import { run, step } from "./steps.mjs";

/** An environment: a folder of the cache, with the pinned packages of one requirements file. */
export const environments = {
  test: { folder: join(cache, "venv"), requirements: inRoot("test/requirements.txt") },
  bench: { folder: join(cache, "bench", "venv"), requirements: inRoot("bench/requirements.txt") },
};

export const hasPython = () => spawnSync("python3", ["--version"]).status === 0;

export function interpreter({ folder }) {
  return process.platform === "win32" ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
}

export async function installPython(environment) {
  const { folder, requirements } = environment;
  const wanted = readFileSync(requirements, "utf8");
  const stamp = join(folder, "installed.txt");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  await step("installing the Python packages of the tests", async () => {
    rmSync(folder, { recursive: true, force: true });
    await run("python3", ["-m", "venv", folder]);
    await run(interpreter(environment), [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--requirement",
      requirements,
    ]);
    writeFileSync(stamp, wanted);
  });
}
