/** Large results: bounded memory, slow and vanishing readers, and transfers that break truthfully. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { peakDuring, processorSeconds, residentBytes } from "../bench/process-facts.js";
import type { QueryStatus } from "../schemas/generated/index.js";
import { startServer, type TestServer } from "./fixture/server.js";

const allowance = 300e6;
const fiveMillion = `
  SELECT value, value * 1.5 AS double, 'row ' || CAST(value AS VARCHAR) AS text, CAST(value AS DECIMAL(20, 4)) AS decimal
  FROM generate_series(1, 5000000)`;
const formats = {
  JSON: "application/json",
  NDJSON: "application/x-ndjson",
  CSV: "text/csv",
  Arrow: "application/vnd.apache.arrow.stream",
  Parquet: "application/vnd.apache.parquet",
  MessagePack: "application/vnd.msgpack",
};
/** Fails at the very end of a long result. */
const failsLate = "SELECT value, 1 / (2000000 - value) AS inverse FROM generate_series(1, 2000000)";

describe("streams", { skip: process.platform === "linux" ? false : "memory is read from /proc" }, () => {
  let server: TestServer;
  let idle = 0;

  before(async () => {
    server = await startServer();
    for (const accept of Object.values(formats)) {
      await drained(await respond(server, "SELECT * FROM flights LIMIT 1000", accept));
    }
    idle = residentBytes(server.pid);
  });
  after(() => server.stop());

  for (const [name, accept] of Object.entries(formats)) {
    it(`holds little while 5 million rows pass as ${name}`, async () => {
      const { result, peak } = await peakDuring(server.pid, async () => {
        const response = await respond(server, fiveMillion, accept);
        const bytes = await drained(response);
        return { bytes, response };
      });
      assert.ok(result.bytes > 20e6, `${result.bytes} bytes`);
      assert.ok(peak - idle < allowance, `grew by ${Math.round((peak - idle) / 1e6)} MB`);
      const status = await queryStatus(server, result.response);
      assert.deepEqual([status.status, status.row_count], ["SUCCEEDED", 5_000_000]);
    });
  }

  it("sends the count as a trailer", async () => {
    const response = await respond(server, fiveMillion, formats.CSV);
    await drained(response);
    assert.equal(response.trailers["query-row-count"], "5000000");
    assert.equal(response.trailers["query-truncated"], "false");
  });

  it("waits for a slow reader instead of holding the result", async () => {
    const response = await respond(server, fiveMillion, formats.JSON);
    const { peak } = await peakDuring(server.pid, async () => {
      response.pause();
      await pause(3000);
    });
    assert.ok(peak - idle < allowance, `grew by ${Math.round((peak - idle) / 1e6)} MB`);
    const { status, row_count } = await queryStatus(server, response);
    assert.equal(status, "RUNNING");
    assert.ok(row_count < 5_000_000, `${row_count} rows were sent to a reader that took none`);
    response.destroy();
  });

  it("cancels the query of a reader that leaves", async () => {
    const response = await respond(server, fiveMillion, formats.NDJSON);
    await once(response);
    response.destroy();
    await eventually(async () => (await queryStatus(server, response)).status === "CANCELED");
    await idleProcessor(server.pid);
  });

  it("cancels the query of a client that leaves before the first byte", async () => {
    const endless = "SELECT count(*) FROM flights a JOIN flights b ON a.distance <> b.distance";
    const sent = request(`${server.url}/v1/queries`, {
      method: "POST",
      headers: { "content-type": "application/sql" },
    });
    sent.on("error", () => undefined);
    sent.end(endless);
    await pause(500);
    sent.destroy();
    await idleProcessor(server.pid);
  });

  for (const [name, accept] of Object.entries(formats)) {
    it(`breaks the transfer of ${name} when the query fails on the way`, async () => {
      const { broken, response, body } = await attempted(server, failsLate, accept);
      if (response.statusCode === 200) {
        assert.ok(broken, "the client sees no end");
        assert.throws(() => JSON.parse(body), "no valid document");
      } else {
        assert.equal(response.statusCode, 422);
      }
      const { status, error } = await queryStatus(server, response);
      assert.deepEqual([status, error?.code], ["FAILED", "arithmetic_error"]);
    });
  }

  it("tells the truth in its status when the result is spooled", async () => {
    const answer = await server.client.query({ sql: failsLate, spool: true });
    assert.equal(answer.status, 422, answer.text.slice(0, 200));
    const whole = await server.client.query({ sql: "SELECT * FROM flights LIMIT 300000", spool: true });
    assert.equal(whole.status, 200);
    assert.match(whole.text, /"row_count":300000/);
  });

  it("leaves no files open", async () => {
    const open = () => readdirSync(`/proc/${server.pid}/fd`).length;
    const before = open();
    for (let turn = 0; turn < 20; turn++) await server.client.query("SELECT count(*) FROM flights");
    assert.ok(open() <= before + 2, `${open()} files instead of ${before}`);
  });
});

function respond(server: TestServer, sql: string, accept: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { accept, "content-type": "application/sql" };
    const sent = request(`${server.url}/v1/queries`, { method: "POST", headers }, resolve);
    sent.on("error", reject);
    sent.end(sql);
  });
}

async function drained(response: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of response) bytes += chunk.length;
  return bytes;
}

async function attempted(server: TestServer, sql: string, accept: string) {
  const response = await respond(server, sql, accept);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk);
    return { broken: !response.complete, response, body: Buffer.concat(chunks).toString("latin1") };
  } catch {
    return { broken: true, response, body: Buffer.concat(chunks).toString("latin1") };
  }
}

function once(response: IncomingMessage): Promise<void> {
  return new Promise((resolve) => response.once("data", () => resolve()));
}

async function queryStatus(server: TestServer, response: IncomingMessage): Promise<QueryStatus> {
  return (await server.client.send(`/v1/queries/${response.headers["query-id"]}`)).as<QueryStatus>();
}

/** Resolves when a second passes in which the process hardly works. */
async function idleProcessor(pid: number): Promise<void> {
  let before = processorSeconds(pid);
  await eventually(async () => {
    await pause(1000);
    const used = processorSeconds(pid) - before;
    before += used;
    return used < 0.3;
  });
}

async function eventually(look: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await look()) return;
    await pause(100);
  }
  throw new Error("it did not happen");
}
