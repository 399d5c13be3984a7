/** Hits that are sent again with heads that are ready: as HTTP wants them, on every connection. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Answer } from "../fixture/client.js";
import { exchange, sendRaw } from "../fixture/raw.js";
import { startServer, type TestServer } from "../fixture/server.js";

const path = "/v1/query?sql=SELECT%20symbol%20FROM%20stocks%20LIMIT%203&format=csv";
const ownOfEach = ["age", "connection", "date", "keep-alive", "query-id", "server-timing", "x-request-id"];

describe("hits that are sent again", () => {
  let server: TestServer;
  let first: Answer;

  before(async () => {
    server = await startServer();
    for (let turn = 0; turn < 2; turn++) await server.client.send(path, { headers: { "accept-encoding": "identity" } });
    first = await server.client.send(path, {
      headers: { origin: "http://else.example", "accept-encoding": "identity" },
    });
  });
  after(() => server.stop());

  const request = (...lines: string[]) => [`GET ${path} HTTP/1.1`, "Host: here", ...lines, "", ""].join("\r\n");
  const lasting = ({ headers }: Answer) => [...headers].filter(([name]) => !ownOfEach.includes(name)).sort();

  it("have the headers of those that weren't, and a date and ids of their own", async () => {
    const plainly = { headers: { "accept-encoding": "identity" } };
    const answers = [await server.client.send(path, plainly), await server.client.send(path, plainly)];
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("server-timing"), null, "nothing was timed");
      assert.deepEqual(answer.bytes, first.bytes);
      assert.deepEqual(lasting(answer), lasting(first));
      assert.ok(Math.abs(Date.parse(answer.headers.get("date") ?? "") - Date.now()) < 60_000);
      const id = answer.headers.get("query-id");
      assert.equal((await server.client.send(`/v1/queries/${id}`)).status, 200);
    }
    assert.notEqual(answers[0]?.headers.get("query-id"), answers[1]?.headers.get("query-id"));
  });

  it("follow each other on one connection", async () => {
    const tag = first.headers.get("etag");
    const known = request(`If-None-Match: ${tag}`);
    const received = (await exchange(server.url, request() + known + request("Connection: close"))).toString();
    assert.deepEqual(received.match(/^HTTP\/1\.1 \d+/gm), ["HTTP/1.1 200", "HTTP/1.1 304", "HTTP/1.1 200"]);
    assert.equal(received.split(first.text).length, 3);
  });

  it("end the connection where the client wants that", async () => {
    const closed = await sendRaw(server.url, request("Connection: close"));
    assert.deepEqual([closed.status, closed.text, closed.headers.get("connection")], [200, first.text, "close"]);
    const old = await sendRaw(server.url, `GET ${path} HTTP/1.0\r\nHost: here\r\n\r\n`);
    assert.deepEqual([old.status, old.text, old.headers.get("connection")], [200, first.text, "close"]);
  });
});
