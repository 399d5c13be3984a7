/** Installs the locked npm packages when they are missing or older than the lock file. */
import { isStale } from "./freshness.mjs";
import { run, step } from "./steps.mjs";

export async function installDependencies() {
  if (!isStale("node_modules/.package-lock.json", ["package-lock.json"])) return;
  await step("installing the npm packages", () => run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"]));
}
