/** How long `/health/live` takes while something else goes on. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { inRoot } from "../../setup/places.mjs";

/** Starts asking; what it gives ends that, and resolves to the milliseconds of each answer. */
export function probeHealth(url: string): () => Promise<number[]> {
  const child = spawn(process.execPath, ["--import", "tsx", inRoot("test/faults/health-prober.ts"), url], {
    cwd: inRoot(),
    stdio: ["pipe", "pipe", "inherit"],
  });
  const said = text(child.stdout);
  return async () => {
    child.stdin.end();
    return JSON.parse(await said) as number[];
  };
}
