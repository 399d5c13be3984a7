/** Ends a server as a crash does: all of it, or the process that serves. */
import { setTimeout as pause } from "node:timers/promises";
import { isRunning, workerOf } from "../../bench/process-facts.js";
import type { TestServer } from "../fixture/server.js";

/** Ends both processes; nothing is started again. */
export async function killServer({ supervisor }: TestServer): Promise<void> {
  if (!isRunning(supervisor)) return;
  // Stopped, it starts no worker between the two kills.
  process.kill(supervisor, "SIGSTOP");
  const pids = [workerOf(supervisor), supervisor].filter((pid) => pid !== undefined);
  for (const pid of pids) if (isRunning(pid)) process.kill(pid, "SIGKILL");
  while (pids.some(isRunning)) await pause(2);
}

/** Ends the process that serves; resolves when another serves in its place, to the milliseconds that this took. */
export async function crashWorker(server: TestServer, signal: NodeJS.Signals): Promise<number> {
  const { pid } = server;
  const started = performance.now();
  process.kill(pid, signal);
  while (isRunning(pid) || !(await isServing(server))) await pause(5);
  return performance.now() - started;
}

async function isServing({ client }: TestServer): Promise<boolean> {
  const answer = await client.send("/health/ready").catch(() => undefined);
  return answer?.status === 200;
}
