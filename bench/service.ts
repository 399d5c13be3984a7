/** Starts the servers that are measured, each in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workerOf } from "./process-facts.js";

export interface Service {
  url: string;
  /** The process that serves. */
  readonly pid: number;
  /** Those that there are of it. */
  readonly pids: readonly number[];
  startMilliseconds: number;
  stop(): Promise<void>;
}

/** `given`: a state folder that stays. */
export async function startLakegate(warehouse: string, given?: string): Promise<Service> {
  const state = given ?? mkdtempSync(join(tmpdir(), "lakegate-bench-"));
  const environment = { LAKEGATE_WAREHOUSE: warehouse, LAKEGATE_STATE: state, LAKEGATE_LOG_LEVEL: "warn" };
  const service = await start(["dist/api/server.js"], environment);
  return {
    ...service,
    async stop() {
      await service.stop();
      if (given === undefined) rmSync(state, { recursive: true, force: true });
    },
  };
}

export function startEcho(): Promise<Service> {
  return start(["--import", "tsx", "bench/echo.ts"], {});
}

/** A bare Fastify that serves a file. */
export function startBareRoute(file: string, type: string): Promise<Service> {
  return start(["--import", "tsx", "bench/bare-route.ts", file, type], {});
}

export function startLoopback(): Promise<Service> {
  return start(["--import", "tsx", "bench/loopback.ts"], {});
}

async function start(args: string[], environment: Record<string, string>): Promise<Service> {
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, HOST: "127.0.0.1", PORT: "0", ...environment },
  });
  const url = await printedAddress(child);
  const pids = [workerOf(child.pid ?? 0), child.pid].filter((pid) => pid !== undefined);
  return {
    url,
    pid: pids[0] ?? 0,
    pids,
    startMilliseconds: performance.now() - started,
    stop: () => stopped(child),
  };
}

function printedAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const address = output.match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
      if (address) resolve(address);
    });
    child.once("exit", (code) => reject(new Error(`the server ended with ${code} before it listened:\n${output}`)));
  });
}

function stopped(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}
