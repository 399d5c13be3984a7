/** Requests for a URL from many connections, by a load generator in a process of its own. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

export interface Load {
  /** Requests a second. */
  rate: number;
  /** Milliseconds that 99 of 100 requests took at most. */
  p99: number;
}

const connections = 32;

/** Uses autocannon's own process, so that the server has the other core to itself. */
export async function load(url: string, seconds: number, headers: Record<string, string> = {}): Promise<Load> {
  const named = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}=${value}`]);
  const options = ["-c", String(connections), "-d", String(seconds), "--json", "-n", ...named, url];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["node_modules/autocannon/autocannon.js", ...options],
    {
      maxBuffer: 2 ** 24,
    },
  );
  const { requests, latency, errors, "4xx": refused, "5xx": failed } = JSON.parse(stdout);
  if (errors + refused + failed > 0) throw new Error(`${errors} errors, ${refused + failed} refusals at ${url}`);
  return { rate: requests.average, p99: latency.p99 };
}
