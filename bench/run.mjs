/** `npm run bench [-- f1 f2 …]`: prepares the clone and the peers, then runs the benchmarks. */
import { spawnSync } from "node:child_process";
import { root } from "../setup/places.mjs";
import { prepare } from "../setup/prepare.mjs";
import { environments, installPython } from "../setup/python.mjs";
import { reportingFailure } from "../setup/steps.mjs";

await reportingFailure(async () => {
  await prepare();
  await installPython(environments.bench);
  const { status } = spawnSync(process.execPath, ["--import", "tsx", "bench/main.ts", ...process.argv.slice(2)], {
    cwd: root,
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
});
