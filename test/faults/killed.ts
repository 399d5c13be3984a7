/** Ends a server as a crash does. */
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { TestServer } from "../fixture/server.js";

export async function killServer(server: TestServer): Promise<void> {
  if (existsSync(`/proc/${server.pid}`)) process.kill(server.pid, "SIGKILL");
  while (existsSync(`/proc/${server.pid}`)) await pause(2);
}
