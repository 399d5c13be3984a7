/** Bodies that are huge, deep, bombs, or of another length than they say, and clients that send and read slowly: each is answered, and nobody waits for them. */
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { encode } from "@msgpack/msgpack";
import { peakDuring } from "../../bench/process-facts.js";
import { startServer, type TestServer } from "../fixture/server.js";
import { probeHealth } from "./health-probe.js";
import { percentile } from "./percentile.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";
import { mebibytes, residentMebibytes, unwell } from "./vitals.js";

const longestHealthMs = 500;
/** Slow readers hold on to what they don't read, until there is too much of it. */
const limitMebibytes = 640;
const tolerance = 1.25;
const sendings = 200;
const slowClients = 100;
const allowed = [200, 400, 408, 413, 415, 422];

interface Body {
  readonly headers: Record<string, string>;
  readonly bytes: Buffer;
}

const zeros = Buffer.alloc(64 << 20);
const json = { "content-type": "application/json" };
const messagePack = { "content-type": "application/vnd.msgpack" };
const coded = (coding: string, bytes: Buffer): Body => ({ headers: { ...json, "content-encoding": coding }, bytes });

export const kinds: Readonly<Record<string, (random: SeededRandom) => Body>> = {
  huge: () => ({ headers: json, bytes: zeros }),
  "a long text": (random) => ({
    headers: json,
    bytes: Buffer.from(`{"sql":"${"x".repeat(random.between(1, 20) << 20)}"}`),
  }),
  "deep lists": (random) => ({ headers: json, bytes: Buffer.alloc(random.between(1e3, 4e6), "[") }),
  "deep objects": (random) => ({ headers: json, bytes: Buffer.from('{"a":'.repeat(random.between(1e3, 1e6))) }),
  "many fields": (random) => ({
    headers: json,
    bytes: Buffer.from(`{${Array.from({ length: random.between(1e3, 2e5) }, (_, i) => `"f${i}":${i}`).join(",")}}`),
  }),
  "many parameters": (random) => ({
    headers: json,
    bytes: Buffer.from(JSON.stringify({ sql: "SELECT 1", parameters: Array(random.between(1001, 1e5)).fill(1) })),
  }),
  "many wrong parameters": (random) => ({
    headers: json,
    bytes: Buffer.from(
      JSON.stringify({ sql: "SELECT 1", parameters: Array(random.between(1e3, 1e5)).fill({ type: 1 }) }),
    ),
  }),
  "a long text with a long integer": (random) => ({
    headers: json,
    bytes: Buffer.from(`{"sql":"${"x".repeat(random.between(1e5, 7e6))}","row_limit":9007199254740993}`),
  }),
  "deep MessagePack": (random) => ({ headers: messagePack, bytes: Buffer.alloc(random.between(1e3, 8e6), 0x91) }),
  "MessagePack of many values": (random) => ({
    headers: messagePack,
    bytes: Buffer.from(encode(Array(random.between(1e3, 6e6)).fill(1))),
  }),
  "a gzip bomb": () => coded("gzip", gzip),
  "a brotli bomb": () => coded("br", brotli),
  "a deflate bomb": () => coded("deflate", deflate),
  "bombs in a bomb": () => coded("gzip, gzip", gzipSync(gzip)),
  "half a gzip": () => coded("gzip", gzip.subarray(0, gzip.length / 2)),
  noise: (random) =>
    coded(
      random.pick(["gzip", "br", "zstd", "deflate"]),
      Buffer.from(Array.from({ length: 10_000 }, () => random.below(256))),
    ),
};
const gzip = gzipSync(zeros);
const brotli = brotliCompressSync(zeros);
const deflate = deflateSync(zeros);

export const bodies: Suite = async (random, scale) => {
  const server = await startServer({
    environment: { LAKEGATE_LOG_LEVEL: "fatal", LAKEGATE_RESIDENT_LIMIT: `${limitMebibytes}MiB` },
  });
  try {
    const counts: Record<string, number> = {};
    const faults: string[] = [];
    for (const make of Object.values(kinds)) await send(server, make(random));
    const before = residentMebibytes(server);
    const slow = Array.from({ length: Math.round(slowClients * scale) }, (_, index) => dribble(server, index));
    const { result: health, peak } = await peakDuring(server.pid, async () => {
      const probed = probeHealth(server.url);
      for (let count = 0; count < sendings * scale; count++) {
        const name = random.pick(Object.keys(kinds));
        const status = await send(server, kinds[name]?.(random) ?? { headers: {}, bytes: zeros });
        counts[status] = (counts[status] ?? 0) + 1;
        if (!allowed.includes(Number(status))) faults.push(`${name}: ${status}`);
      }
      faults.push(...(await computes(server)));
      for (const said of [5, 50_000_000]) faults.push(...(await ofWrongLength(server, said)));
      return probed();
    });
    for (const socket of slow) socket.destroy();
    const p99 = percentile(health, 99);
    console.log(
      `  ${Object.entries(counts)
        .map(([status, count]) => `${count} × ${status}`)
        .join(", ")}, with ${slow.length} slow clients`,
    );
    console.log(
      `  /health/live: ${p99.toFixed(0)} ms at the 99th percentile of ${health.length}; ${before} MiB before, ${mebibytes(peak)} MiB at most`,
    );
    if (p99 > longestHealthMs) faults.push(`/health/live took ${p99.toFixed(0)} ms at the 99th percentile`);
    if (mebibytes(peak) > limitMebibytes * tolerance) faults.push(`${mebibytes(peak)} MiB were resident`);
    return [...faults, ...(await unwell(server, "afterwards"))];
  } finally {
    await server.stop();
  }
};

/** Clients that don't read leave their places to others. */
async function computes({ client }: TestServer): Promise<string[]> {
  const answer = await client.query("SELECT sum(value) AS n FROM generate_series(1, 1000001)");
  return answer.status === 200 ? [] : [`a query beside slow readers was answered ${answer.status}`];
}

/** The status, or that there was none. */
async function send({ client }: TestServer, { headers, bytes }: Body): Promise<string> {
  const answer = await client.send("/v1/queries", { method: "POST", headers, body: bytes }).catch(() => undefined);
  return answer === undefined ? "no answer" : String(answer.status);
}

/** A body that is longer or shorter than its length says. */
async function ofWrongLength(server: TestServer, length: number): Promise<string[]> {
  const socket = open(server);
  const answered = new Promise<string>((resolve) => socket.once("data", (bytes) => resolve(bytes.toString("latin1"))));
  socket.write(head(length));
  socket.end("SELECT 1 AS one");
  const first = await Promise.race([answered, pause(3_000, "")]);
  socket.destroy();
  const isWell = first === "" || /^HTTP\/1\.1 (200|4\d\d)/.test(first);
  return isWell ? [] : [`a body of 15 bytes that says ${length}: ${first.slice(0, 40)}`];
}

/** Sends a body a byte at a time, or a request and never reads the answer. */
function dribble(server: TestServer, index: number): Socket {
  const socket = open(server);
  if (index % 2 === 0) {
    socket.pause();
    const sql = "SELECT value FROM generate_series(1, 10000000)";
    socket.write(`${head(sql.length)}${sql}`);
    return socket;
  }
  socket.write(head(1_000));
  const sending = setInterval(() => socket.write(" "), 200);
  socket.on("close", () => clearInterval(sending));
  return socket;
}

function head(length: number): string {
  return `POST /v1/queries HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/sql\r\ncontent-length: ${length}\r\n\r\n`;
}

function open({ url }: TestServer): Socket {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname).on("error", () => undefined);
}
