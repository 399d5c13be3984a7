/** Shows each long step of the set-up while it runs, and how long it took. */
import { spawn } from "node:child_process";
import { root } from "./places.mjs";

export class SetupError extends Error {}

export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  return seconds < 90 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}

export async function step(title, work) {
  const started = performance.now();
  console.log(`▸ ${title}`);
  await work();
  console.log(`  done in ${duration(performance.now() - started)}`);
}

export function run(command, args, environment = {}) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...environment },
    shell: process.platform === "win32" && command === "npm",
  });
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new SetupError(`${command} could not be started: ${error.message}`)));
    child.once("close", (code, signal) =>
      code === 0 ? resolve() : reject(new SetupError(`${[command, ...args].join(" ")} ended with ${signal ?? code}`)),
    );
  });
}

export async function reportingFailure(main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof SetupError ? `\nSet-up failed: ${error.message}` : error);
    process.exitCode = 1;
  }
}
