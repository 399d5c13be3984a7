/** A table on S3 through a network that is slow, answers 500, resets connections and loses answers: no row is lost, none is there twice. */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { withoutPython } from "../fixture/python.js";
import { S3Server } from "../fixture/s3.js";
import { startServer, type TestServer } from "../fixture/server.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";

const writers = 4;
const appends = 60;
/** The share of requests that something happens to. */
const faulty = 0.15;
const table = "far";

type Mishap = "slow" | "500" | "reset" | "lost answer";
const mishaps: readonly Mishap[] = ["slow", "500", "reset", "lost answer"];

export const s3: Suite = async (random, scale) => {
  if (withoutPython) throw new Error(withoutPython);
  const store = new S3Server();
  const { bucket, endpoint, options } = await store.start();
  const network = new BadNetwork(endpoint, random);
  const proxy = await network.listen();
  const server = await startServer({
    environment: {
      LAKEGATE_LOCATIONS: `s3://${bucket}`,
      LAKEGATE_S3_ENDPOINTS: `${proxy},${endpoint}`,
      LAKEGATE_LOG_LEVEL: "fatal",
    },
  });
  try {
    await store.append("open/far", [0]);
    const storage_options = { ...options, aws_endpoint: proxy };
    const made = await server.client.sendJson(
      `/v1/tables/${table}`,
      { uri: `s3://${bucket}/open/far`, storage_options },
      { method: "PUT" },
    );
    if (made.status !== 201) throw new Error(`the table was not registered: ${made.text}`);
    network.isBad = true;
    const sent = await Promise.all(
      Array.from({ length: writers }, (_, writer) => write(server, writer, Math.round(appends * scale))),
    );
    network.isBad = false;
    return [...(await judge(server, sent.flat())), ...network.report()];
  } finally {
    await server.stop();
    network.close();
    await store.stop();
  }
};

interface Sent {
  readonly n: number;
  /** Statuses of the tries; none where the connection broke. */
  readonly statuses: readonly number[];
}

/** Appends one number after the other, each until it is acknowledged, under one key. */
async function write({ client }: TestServer, writer: number, count: number): Promise<Sent[]> {
  const sent: Sent[] = [];
  for (let index = 1; index <= count; index++) {
    const n = writer * 10_000 + index;
    const headers = { "content-type": "application/x-ndjson", "idempotency-key": `number-${n}` };
    const statuses: number[] = [];
    while (statuses.at(-1) !== 200 && statuses.length < 10) {
      const answer = await client.send(`/v1/tables/${table}/rows`, { method: "POST", headers, body: `{"n": ${n}}\n` });
      statuses.push(answer.status);
    }
    sent.push({ n, statuses });
  }
  return sent;
}

async function judge({ client }: TestServer, sent: readonly Sent[]): Promise<string[]> {
  const rows = await client.rows(`SELECT n, count(*) AS times FROM ${table} WHERE n > 0 GROUP BY n`);
  const counted = rows as unknown as readonly { n: number; times: number }[];
  const times = new Map(counted.map(({ n, times }) => [n, times]));
  const acknowledged = sent.filter(({ statuses }) => statuses.at(-1) === 200);
  const tries = sent.reduce((sum, { statuses }) => sum + statuses.length, 0);
  console.log(`  ${sent.length} appends, ${acknowledged.length} acknowledged, in ${tries} tries`);
  const lost = acknowledged.filter(({ n }) => !times.has(n)).map(({ n }) => `${n} was acknowledged and is lost`);
  const doubled = [...times].filter(([, count]) => count > 1).map(([n, count]) => `${n} is there ${count} times`);
  const odd = sent.flatMap(({ n, statuses }) =>
    statuses.filter((status) => ![200, 409, 503].includes(status)).map((status) => `${n} was answered ${status}`),
  );
  return [...lost, ...doubled, ...odd];
}

/** A proxy before the store; signatures hold, since it passes the host on. */
class BadNetwork {
  isBad = false;
  readonly #store: URL;
  readonly #random: SeededRandom;
  readonly #counts: Record<string, number> = {};
  readonly #server = createServer((incoming, answer) => this.#pass(incoming, answer));

  constructor(store: string, random: SeededRandom) {
    this.#store = new URL(store);
    this.#random = random;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  report(): string[] {
    const said = Object.entries(this.#counts).map(([mishap, count]) => `${count} × ${mishap}`);
    console.log(`  the network: ${said.join(", ")}`);
    return said.length > 1 ? [] : ["nothing happened on the network"];
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const mishap = this.isBad && this.#random.next() < faulty ? this.#random.pick(mishaps) : "nothing";
    this.#counts[mishap] = (this.#counts[mishap] ?? 0) + 1;
    if (mishap === "500") return void incoming.resume().on("end", () => answer.writeHead(500).end());
    if (mishap === "reset") return void incoming.socket.resetAndDestroy();
    if (mishap === "slow") await pause(this.#random.between(200, 2_000));
    const { hostname, port } = this.#store;
    const { method, url, rawHeaders } = incoming;
    const sent = request({ hostname, port, method, path: url, headers: rawHeaders, setHost: false }, (response) => {
      if (mishap === "lost answer") return void response.resume().on("end", () => incoming.socket.resetAndDestroy());
      answer.writeHead(response.statusCode ?? 500, response.rawHeaders);
      response.pipe(answer);
    });
    sent.on("error", () => answer.destroy());
    incoming.pipe(sent);
  }
}
