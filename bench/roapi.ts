/** ROAPI over the Delta tables of a folder, as its wheel ships it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { environments, interpreter } from "../setup/python.mjs";
import { freePort } from "./free-port.js";

export interface Roapi {
  /** Takes SQL as the text of a POST. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startRoapi(warehouse: string): Promise<Roapi> {
  const folder = mkdtempSync(join(tmpdir(), "lakegate-roapi-"));
  const configuration = join(folder, "tables.yml");
  writeFileSync(configuration, tables(warehouse));
  const address = `127.0.0.1:${await freePort()}`;
  const listening = ["-a", address, "-p", "127.0.0.1:0", "--addr-flight-sql", "127.0.0.1:0"];
  const program = join(dirname(interpreter(environments.bench)), "roapi");
  const child = spawn(program, [...listening, "-c", configuration], { stdio: "ignore" });
  const ended = once(child, "exit");
  while (!(await isReady(address))) {
    if (child.exitCode !== null) throw new Error(`roapi ended with ${child.exitCode}`);
    await pause(50);
  }
  return {
    url: `http://${address}/api/sql`,
    pid: child.pid ?? 0,
    async stop() {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function tables(warehouse: string): string {
  const entries = readdirSync(warehouse).map((name) => ({
    name,
    uri: join(warehouse, name),
    option: { format: "delta", use_memory_table: false },
  }));
  // JSON is YAML too.
  return JSON.stringify({ tables: entries });
}

function isReady(address: string): Promise<boolean> {
  return fetch(`http://${address}/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}
