/** nginx that serves one file, where it is installed. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "./free-port.js";

export interface StaticFile {
  url: string;
  stop(): Promise<void>;
}

export async function startNginx(body: Buffer): Promise<StaticFile | undefined> {
  if (spawnSync("nginx", ["-v"]).status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "lakegate-nginx-"));
  const port = await freePort();
  writeFileSync(join(folder, "body"), body);
  writeFileSync(join(folder, "nginx.conf"), configuration(folder, port));
  const child = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf"), "-g", "daemon off;"], {
    stdio: "ignore",
  });
  await pause(500);
  return { url: `http://127.0.0.1:${port}/body`, stop: () => stopped(child, folder) };
}

function configuration(folder: string, port: number): string {
  return `
user root;
worker_processes 1;
pid ${folder}/pid;
error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  server { listen 127.0.0.1:${port}; root ${folder}; }
}`;
}

function stopped(child: ChildProcess, folder: string): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => {
      rmSync(folder, { recursive: true, force: true });
      resolve();
    });
    child.kill("SIGTERM");
  });
}
