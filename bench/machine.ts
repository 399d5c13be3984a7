/** What the figures were measured on. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

export function machineFacts(): string[] {
  const processors = cpus();
  return [
    `${processors.length} × ${processors[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}`,
    `Node ${process.versions.node}, ${version("rustc")}`,
    `engine: ${["datafusion", "deltalake-core", "arrow", "parquet"].map(locked).join(", ")}`,
    `peers: ${readFileSync("bench/requirements.txt", "utf8").trim().split("\n").join(", ")}`,
  ];
}

function version(command: string): string {
  return execFileSync(command, ["--version"], { encoding: "utf8" }).trim();
}

function locked(crate: string): string {
  const lock = readFileSync("native/Cargo.lock", "utf8");
  return `${crate} ${lock.match(new RegExp(`name = "${crate}"\\nversion = "(.+)"`))?.[1] ?? "?"}`;
}
