/** Requests for a URL from many connections, by a load generator in a process of its own. */
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";

export interface Load {
  /** Requests a second. */
  rate: number;
  /** Milliseconds that 99 of 100 requests took at most. */
  p99: number;
}

type Headers = Record<string, string>;

const connections = 32;
const run = promisify(execFile);

/** wrk costs a tenth of what autocannon does, which with it may be slower than what it measures. */
export const loadGenerator = spawnSync("wrk", ["-v"]).error === undefined ? "wrk" : "autocannon";

const generators = { wrk, autocannon };

export async function load(url: string, seconds: number, headers: Headers = {}): Promise<Load> {
  const { failed, ...measured } = await generators[loadGenerator](url, seconds, headers);
  if (failed > 0) throw new Error(`${failed} errors or refusals at ${url}`);
  return measured;
}

async function wrk(url: string, seconds: number, headers: Headers): Promise<Load & { failed: number }> {
  const named = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const options = ["-t", "1", "-c", String(connections), "-d", `${seconds}s`, "-s", "bench/wrk-report.lua"];
  const { stdout } = await run("wrk", [...options, ...named, url]);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

async function autocannon(url: string, seconds: number, headers: Headers): Promise<Load & { failed: number }> {
  const named = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}=${value}`]);
  const options = ["-c", String(connections), "-d", String(seconds), "--json", "-n", ...named, url];
  const program = ["node_modules/autocannon/autocannon.js", ...options];
  const { stdout } = await run(process.execPath, program, { maxBuffer: 2 ** 24 });
  const { requests, latency, errors, "4xx": refused, "5xx": failing } = JSON.parse(stdout);
  return { rate: requests.average, p99: latency.p99, failed: errors + refused + failing };
}
