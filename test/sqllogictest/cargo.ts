/** What cargo prints. */
import { spawnSync } from "node:child_process";

export function cargo(args: readonly string[], environment: Record<string, string> = {}): string {
  const env = { ...process.env, ...environment };
  const ended = spawnSync("cargo", args, { encoding: "utf8", env, maxBuffer: 2 ** 28 });
  if (ended.status !== 0) throw ended.error ?? new Error(`cargo ${args[0]} failed:\n${ended.stderr}`);
  return ended.stdout;
}
