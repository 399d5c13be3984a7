/** Downloads results as a client that reads as fast as it can, or slowly. */
import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

export interface Download {
  bytes: number;
  seconds: number;
  firstByteMilliseconds: number;
}

export interface Reading {
  /** Milliseconds to wait after each chunk. */
  pauseAfterChunk?: number;
  onChunk?: (chunk: Buffer) => void;
}

export function exportBytes(url: string, sql: string, accept: string, reading: Reading = {}): Promise<Download> {
  return download(
    `${url}/v1/queries`,
    { method: "POST", headers: { accept, "content-type": "application/sql", "cache-control": "no-store" } },
    sql,
    reading,
  );
}

export async function exportWhole(url: string, sql: string, accept: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await exportBytes(url, sql, accept, { onChunk: (chunk) => chunks.push(chunk) });
  return Buffer.concat(chunks);
}

export async function download(
  url: string,
  options: { method?: string; headers?: Record<string, string> },
  body: string,
  { pauseAfterChunk = 0, onChunk }: Reading = {},
): Promise<Download> {
  const started = performance.now();
  const response = await respond(url, options, body);
  let bytes = 0;
  let firstByteMilliseconds = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (bytes === 0) firstByteMilliseconds = performance.now() - started;
    bytes += chunk.length;
    onChunk?.(chunk);
    if (pauseAfterChunk > 0) await pause(pauseAfterChunk);
  }
  return { bytes, seconds: (performance.now() - started) / 1000, firstByteMilliseconds };
}

function respond(url: string, options: object, body: string): Promise<AsyncIterable<Buffer>> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      if (response.statusCode === 200) return resolve(response);
      let problem = "";
      response.setEncoding("utf8").on("data", (text) => {
        problem += text;
      });
      response.on("end", () => reject(new Error(`${response.statusCode}: ${problem}`)));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
