/** Bodies in every coding that Content-Encoding may name: unpacked as they come, whole or not at all, in bounded memory. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import { peakDuring, residentBytes } from "../bench/process-facts.js";
import { encode } from "../engine/codec.js";
import type { Answer } from "./fixture/client.js";
import { assertProblem } from "./fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "./fixture/server.js";
import { report, rowTypes, Writing } from "./fixture/writing.js";
import { blockSize, frame, repeated, skippable, stored, zstd, zstdStream } from "./fixture/zstd.js";

const codings: Record<string, (content: string | Uint8Array) => Uint8Array> = {
  br: (content) => brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  deflate: deflateSync,
  gzip: gzipSync,
  zstd,
};

const rowsLimit = 200e6;
const linux = { skip: process.platform === "linux" ? false : "memory is read from /proc" };

describe("compressed bodies", () => {
  let server: TestServer;
  const warehouse = temporaryFolder();
  const tables = new Writing(() => server.client);

  before(async () => {
    server = await startServer({ warehouse, environment: { LAKEGATE_ROWS_LIMIT: String(rowsLimit) } });
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true });
  });

  const post = (path: string, type: string, coding: string, body: Uint8Array): Promise<Answer> =>
    server.client.send(path, { method: "POST", headers: { "content-type": type, "content-encoding": coding }, body });
  const query = (coding: string, body: Uint8Array): Promise<Answer> =>
    post("/v1/queries", "application/sql", coding, body);
  const rows = (name: string, coding: string, body: Uint8Array): Promise<Answer> =>
    post(`/v1/tables/${name}/rows`, rowTypes.csv, coding, body);

  const one = async (answer: Promise<Answer>): Promise<void> => {
    const { status, text } = await answer;
    assert.equal(status, 200, text);
    assert.match(text, /"data":\[\{"one":1\}\]/);
  };
  const sql = "SELECT 1 AS one";
  const header = "id,origin,delay\n";
  const line = (id: number): string => `${id},SEA,${id % 60}\n`;
  /** Enough to come in many pieces. */
  const lines = Array.from({ length: 200_000 }, (_, id) => line(id)).join("");

  for (const [coding, packed] of Object.entries(codings)) {
    describe(coding, () => {
      it("is taken for SQL, JSON and MessagePack", async () => {
        await one(query(coding, packed(sql)));
        await one(post("/v1/queries", rowTypes.json, coding, packed(JSON.stringify({ sql }))));
        await one(post("/v1/queries", rowTypes.msgpack, coding.toUpperCase(), packed(encode({ sql }))));
      });

      it("is taken for rows", async () => {
        const name = await tables.table();
        report(await rows(name, coding, packed(header + lines)));
        assert.deepEqual(await server.client.rows(`SELECT count(*) AS n, sum(id) AS sum FROM ${name}`), [
          { n: 200_003, sum: (200_000 * 199_999) / 2 + 6 },
        ]);
      });

      it("is taken from many at once", async () => {
        const name = await tables.table();
        const parts = Array.from({ length: 8 }, (_, part) =>
          Array.from({ length: 20_000 }, (_, id) => line(part * 20_000 + id)).join(""),
        );
        for (const answer of await Promise.all(parts.map((part) => rows(name, coding, packed(header + part)))))
          report(answer);
        assert.deepEqual(await server.client.rows(`SELECT count(DISTINCT id) AS n, max(id) AS last FROM ${name}`), [
          { n: 160_000, last: 159_999 },
        ]);
      });

      it("is refused where it breaks off or is something else, and nothing is written", async () => {
        const name = await tables.table();
        const whole = packed(header + lines);
        const cut = whole.subarray(0, whole.length - 5);
        for (const wrong of [cut, whole.subarray(0, 3), Buffer.from("id,origin\n1,SEA\n")]) {
          const expected = { status: 400, code: "invalid_body", detail: new RegExp(coding) } as const;
          assertProblem(await rows(name, coding, wrong), expected);
          assertProblem(await query(coding, wrong), expected);
        }
        assert.equal(await tables.version(name), 0);
      });

      it("is counted when it is unpacked", async () => {
        const large = packed(Buffer.alloc(50e6, " "));
        assert.ok(large.length < 1e6);
        assertProblem(await query(coding, large), {
          status: 413,
          code: "body_too_large",
          detail: /LAKEGATE_BODY_LIMIT/,
        });
      });

      it("is refused while its sender still sends", async () => {
        const name = await tables.table();
        const noise = Buffer.alloc(30e6, "no rows at all ");
        const head = [
          `POST /v1/tables/${name}/rows HTTP/1.1`,
          "Host: lakegate",
          `Content-Type: ${rowTypes.csv}`,
          `Content-Encoding: ${coding}`,
          `Content-Length: ${noise.length}`,
        ];
        const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
        const answer = once(socket, "data");
        await new Promise((resolve) => socket.write(`${head.join("\r\n")}\r\n\r\n`, resolve));
        await new Promise((resolve) => socket.write(noise, resolve));
        assert.match(String(await answer), /^HTTP\/1.1 400 /);
        socket.destroy();
      });
    });
  }

  it("no other coding is taken", async () => {
    for (const coding of ["compress", "gzip, gzip"])
      assertProblem(await query(coding, gzipSync(sql)), {
        status: 415,
        code: "unsupported_media_type",
        detail: /br, deflate, gzip, zstd/,
      });
    await one(query("identity", Buffer.from(sql)));
  });

  describe("in Zstandard", () => {
    it("may have any level, several frames, and frames to pass over", async () => {
      for (const level of [-5, 1, 9, 19]) await one(query("zstd", zstd(sql, level)));
      await one(query("zstd", zstdStream(["SELECT", " 1 AS one"])));
      await one(query("zstd", Buffer.concat([skippable("nothing"), zstd("SELECT"), zstd(""), zstd(" 1 AS one")])));
      await one(query("zstd", frame([stored("SELECT", false), repeated(" ", 1000, false), stored("1 AS one")])));
    });

    it("are held to their checksums", async () => {
      const checked = Buffer.from("KLUv/QRYeQAAU0VMRUNUIDEgQVMgb25lohaD1A==", "base64");
      await one(query("zstd", checked));
      checked[checked.length - 1] = 0;
      assertProblem(await query("zstd", checked), { status: 400, code: "invalid_body", detail: /checksum/ });
    });

    it("have no frame that needs more memory than 8 MiB", async () => {
      await one(query("zstd", frame([stored(sql)], 23)));
      const greedy = await query("zstd", frame([stored(sql)], 24));
      assertProblem(greedy, { status: 400, code: "invalid_body", detail: /16777216/ });
    });

    it("have nothing behind their frames", async () => {
      for (const rest of ["x", "SELECT 2"]) {
        const answer = await query("zstd", Buffer.concat([zstd(sql), Buffer.from(rest)]));
        assertProblem(answer, { status: 400, code: "invalid_body" });
      }
    });

    it("need little memory, also those that unpack to 64 GiB", linux, async () => {
      const bomb = frame(Array.from({ length: 2 ** 19 }, () => repeated(" ", blockSize, false)));
      assert.equal(bomb.length, 2 ** 21 + 6);
      const idle = residentBytes(server.pid);
      const { peak } = await peakDuring(server.pid, async () => {
        for (let times = 0; times < 20; times++)
          assertProblem(await query("zstd", bomb), { status: 413, code: "body_too_large" });
      });
      const grown = Math.round((peak - idle) / 1e6);
      console.log(`64 GiB of Zstandard, 20 times: the server grew by ${grown} MB`);
      assert.ok(grown < 150, `grew by ${grown} MB`);
    });

    it("need little memory as rows too", linux, async () => {
      const name = await tables.table();
      const bomb = zstdStream([header, ...Array.from({ length: 100 }, () => lines)]);
      const idle = residentBytes(server.pid);
      const { peak } = await peakDuring(server.pid, async () => {
        assertProblem(await rows(name, "zstd", bomb), {
          status: 413,
          code: "body_too_large",
          detail: /LAKEGATE_ROWS_LIMIT/,
        });
      });
      assert.equal(await tables.version(name), 0);
      const grown = Math.round((peak - idle) / 1e6);
      console.log(`200 MB of CSV in Zstandard: the server grew by ${grown} MB`);
      assert.ok(grown < 500, `grew by ${grown} MB`);
    });
  });
});
