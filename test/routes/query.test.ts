/** GET /v1/query: a result by its URL, with its tags, conditions, digests and ranges. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { decode } from "@msgpack/msgpack";
import { tableFromIPC } from "apache-arrow";
import type { QueryAnswer, QueryStatus } from "../../schemas/generated/index.js";
import { inRoot } from "../../setup/places.mjs";
import type { Answer } from "../fixture/client.js";
import { type Exchange, exchange } from "../fixture/exchange.js";
import { assertProblem } from "../fixture/problem.js";
import { python, withoutPython } from "../fixture/python.js";
import { formats, resultPath, stylesOf } from "../fixture/results.js";
import { startServer, type TestServer } from "../fixture/server.js";
import { rowTypes } from "../fixture/writing.js";

const small = "SELECT symbol, date, price FROM stocks ORDER BY symbol, date LIMIT 5";
/** Several chunks in every format. */
const large = "SELECT value, md5(CAST(value AS VARCHAR)) AS digest FROM generate_series(1, 60000) ORDER BY value";
const strong = /^"[^"]+"$/;

describe("a result by its URL", () => {
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const get = (selection: object, headers: Record<string, string> = {}, method = "GET") =>
    exchange(server.url + resultPath(selection as Record<string, unknown>), { method, headers });
  const whole = async (selection: object, headers: Record<string, string> = {}) => {
    const answer = await get(selection, headers);
    assert.equal(answer.status, 200, answer.bytes.toString().slice(0, 500));
    assert.ok(answer.complete);
    return answer;
  };
  const problem = async (selection: object, headers: Record<string, string> = {}): Promise<Answer> =>
    server.client.send(resultPath(selection as Record<string, unknown>), { headers });

  for (const format of formats) {
    for (const [size, sql] of Object.entries({ small, large })) {
      it(`is the same ${size} ${format} each time, under one tag, and not sent to those who have it`, async () => {
        const first = await whole({ sql, format });
        const second = await whole({ sql, format });
        assert.equal(first.headers["content-type"]?.split(";")[0], rowTypes[format]);
        assert.equal(second.headers["cache-status"], "lakegate; hit");
        assert.ok(first.bytes.equals(second.bytes), "the bytes differ");
        assert.match(String(first.headers.etag), strong);
        assert.equal(second.headers.etag, first.headers.etag);
        const known = await get({ sql, format }, { "if-none-match": `"other", ${first.headers.etag}` });
        assert.deepEqual([known.status, known.bytes.length], [304, 0]);
        for (const name of ["etag", "cache-control", "vary"])
          assert.equal(known.headers[name], first.headers[name], name);
        const other = await get({ sql, format }, { "if-none-match": '"other"' });
        assert.equal(other.status, 200);
      });

      it(`answers HEAD for a ${size} ${format} as GET, without the body`, async () => {
        const body = await whole({ sql, format });
        const head = await get({ sql, format }, {}, "HEAD");
        assert.deepEqual([head.status, head.bytes.length], [200, 0]);
        for (const name of ["content-type", "etag", "cache-control", "vary", "lakegate-tables"])
          assert.equal(head.headers[name], body.headers[name], name);
        const length = head.headers["content-length"];
        if (length !== undefined) assert.equal(Number(length), body.bytes.length);
        else assert.ok(size === "large" && format !== "arrow" && format !== "parquet", "the length is known");
      });
    }
  }

  it("has the rows, and what they are, and nothing about one query", async () => {
    const json = JSON.parse((await whole({ sql: small, format: "json" })).bytes.toString());
    assert.deepEqual(Object.keys(json), ["schema", "tables", "data", "row_count", "truncated"]);
    assert.equal(json.data.length, 5);
    assert.deepEqual(json.data, (await server.client.query(small)).as<QueryAnswer>().data);
    const packed = decode((await whole({ sql: small, format: "msgpack" })).bytes) as QueryAnswer;
    assert.deepEqual(Object.keys(packed), Object.keys(json));
    assert.deepEqual(
      packed.data.map((row) => Object.values(row)),
      JSON.parse((await whole({ sql: small, numbers: "string", row_format: "array" })).bytes.toString()).data,
    );
    assert.equal(tableFromIPC((await whole({ sql: small, format: "arrow" })).bytes).numRows, 5);
  });

  it("takes the format from Accept, unless the URL names it", async () => {
    const accepted = await whole({ sql: small }, { accept: "text/csv" });
    assert.match(String(accepted.headers["content-type"]), /^text\/csv/);
    const named = await whole({ sql: small, format: "ndjson" }, { accept: "text/csv" });
    assert.match(String(named.headers["content-type"]), /ndjson/);
    const page = await whole({ sql: small }, { accept: "text/html,*/*;q=0.8" });
    assert.match(String(page.headers["content-type"]), /^application\/json/);
    assertProblem(await problem({ sql: small }, { accept: "image/png" }), { status: 406, code: "not_acceptable" });
    assertProblem(await problem({ sql: small, format: "xlsx" }), { status: 400, code: "invalid_request" });
  });

  it("never has one tag for different bytes, whoever computed them", async () => {
    const bodies = new Map<string, Buffer>();
    const note = ({ headers, bytes }: Exchange) => {
      const tag = String(headers.etag);
      assert.ok(bodies.get(tag)?.equals(bytes) ?? true, `${tag} is the tag of different bytes`);
      bodies.set(tag, bytes);
    };
    const anew = { "cache-control": "no-cache" };
    const requests: Record<string, string>[] = [
      {},
      anew,
      {},
      { "accept-encoding": "gzip" },
      { "accept-encoding": "br" },
    ];
    for (const sql of [small, large, "SELECT 9007199254740993 AS big, 1.5 AS half"])
      for (const format of formats)
        for (const style of sql === large ? [{}] : stylesOf(format)) {
          const wanted = { sql, format, ...style };
          for (const headers of requests) note(await whole(wanted, headers));
          if (format === "arrow" || format === "parquet") note(await inParts(wanted));
        }
    assert.ok(bodies.size > 40, `${bodies.size} tags`);
  });

  const inParts = async (wanted: object) => {
    const [start, end] = [await get(wanted, { range: "bytes=0-99" }), await get(wanted, { range: "bytes=100-" })];
    assert.deepEqual([start.status, end.status], [206, 206]);
    assert.equal(start.headers.etag, end.headers.etag);
    return { ...start, bytes: Buffer.concat([start.bytes, end.bytes]) };
  };

  const compressions = { gzip: gunzipSync, br: brotliDecompressSync };
  for (const [encoding, decompress] of Object.entries(compressions)) {
    for (const [size, sql] of Object.entries({ few: `${small.slice(0, -1)}50`, many: large })) {
      it(`tags ${size} rows in ${encoding} apart, and knows them again`, async () => {
        for (let turn = 0; turn < 3; turn++) await whole({ sql, format: "csv" });
        const plain = await whole({ sql, format: "csv" });
        const packed = await whole({ sql, format: "csv" }, { "accept-encoding": encoding });
        assert.equal(packed.headers["content-encoding"], encoding);
        assert.ok(decompress(packed.bytes).equals(plain.bytes));
        assert.match(String(packed.headers.etag), strong);
        assert.notEqual(packed.headers.etag, plain.headers.etag);
        assert.match(String(packed.headers.vary), /accept-encoding/);
        assert.equal(packed.headers["repr-digest"], undefined, "the digest is of other bytes");
        const headers = { "accept-encoding": encoding, "if-none-match": String(packed.headers.etag) };
        const known = await get({ sql, format: "csv" }, headers);
        assert.deepEqual([known.status, known.bytes.length], [304, 0]);
        for (const name of ["etag", "vary", "cache-control"])
          assert.equal(known.headers[name], packed.headers[name], name);
        assert.match(String(plain.headers.vary), /accept-encoding/, "a shared cache must know it for either");
      });
    }
  }

  it("may be kept by others only where nothing can change it", async () => {
    const control = async (selection: object) => (await whole(selection)).headers["cache-control"];
    const sql = "SELECT count(*) AS n FROM flights";
    const forever = "private, max-age=31536000, immutable";
    const checked = "private, no-cache";
    assert.equal(await control({ sql }), checked);
    assert.equal(await control({ sql, tables: { flights: { version: 0 } } }), forever);
    assert.equal(await control({ sql, tables: { flights: { version: 0 } }, format: "parquet" }), forever);
    const both = "SELECT (SELECT count(*) FROM flights) AS f, (SELECT count(*) FROM stocks) AS s";
    assert.equal(await control({ sql: both, tables: { flights: { version: 0 } } }), checked);
    const pins = { flights: { version: 0 }, stocks: { version: 0 } };
    assert.equal(await control({ sql: both, tables: pins }), forever);
    assert.equal(await control({ sql: "SELECT 1 AS one" }), checked);
    const volatile = "SELECT count(*) AS n, now() AS at FROM flights";
    assert.equal(await control({ sql: volatile, tables: { flights: { version: 0 } } }), checked);
    const part = await get({ sql, format: "parquet", tables: { flights: { version: 0 } } }, { range: "bytes=0-3" });
    assert.equal(part.headers["cache-control"], forever);
  });

  it("tells the digest of the body", async () => {
    for (const format of formats) {
      for (const attempt of ["computed", "kept"]) {
        const { bytes, headers } = await whole({
          sql: "SELECT symbol, min(price) AS low FROM stocks GROUP BY symbol ORDER BY 1",
          format,
        });
        const digest = createHash("sha256").update(bytes).digest("base64");
        const told = headers["repr-digest"];
        // What is computed slowly is streamed, and its digest isn't known before its bytes are sent.
        if (attempt === "kept" || told !== undefined)
          assert.equal(told, `sha-256=:${digest}:`, `${format}, ${attempt}`);
      }
    }
  });

  for (const format of ["arrow", "parquet"] as const) {
    describe(`in ranges, as ${format}`, () => {
      const selection = { sql: large, format };
      let full: Exchange;

      before(async () => {
        full = await whole(selection);
      });

      const assertPart = async (range: string, start: number, end: number) => {
        const part = await get(selection, { range });
        assert.equal(part.status, 206, `${range}: ${part.status}`);
        assert.equal(part.headers["content-range"], `bytes ${start}-${end - 1}/${full.bytes.length}`);
        assert.equal(part.headers["content-length"], String(end - start));
        assert.equal(part.headers.etag, full.headers.etag);
        assert.ok(part.bytes.equals(full.bytes.subarray(start, end)), `the bytes of ${range}`);
      };

      it("sends the bytes that are asked for", async () => {
        const size = full.bytes.length;
        assert.ok(size > 2 ** 20, `${size} bytes`);
        await assertPart("bytes=0-0", 0, 1);
        await assertPart("bytes=0-99", 0, 100);
        await assertPart(`bytes=${size - 1}-${size - 1}`, size - 1, size);
        await assertPart("bytes=-8", size - 8, size);
        await assertPart(`bytes=-${size * 2}`, 0, size);
        await assertPart("bytes=1000-", 1000, size);
        await assertPart(`bytes=5-${size * 2}`, 5, size);
        for (const edge of [2 ** 18, 2 ** 20]) await assertPart(`bytes=${edge - 3}-${edge + 2}`, edge - 3, edge + 3);
        await assertPart(`bytes=100-${size - 100}`, 100, size - 99);
      });

      it("says how long it is where no byte is asked for that it has", async () => {
        const size = full.bytes.length;
        for (const range of [`bytes=${size}-`, `bytes=${size + 10}-${size + 20}`]) {
          const refused = await get(selection, { range });
          assert.equal(refused.status, 416);
          assert.equal(refused.headers["content-range"], `bytes */${size}`);
          assert.equal(refused.headers["content-type"]?.split(";")[0], "application/problem+json");
          for (const name of ["etag", "cache-control"]) assert.equal(refused.headers[name], undefined, name);
          assert.equal(JSON.parse(refused.bytes.toString()).code, "range_not_satisfiable");
        }
      });

      it("sends the whole where it can't be asked for in parts so", async () => {
        for (const range of ["bytes=0-9,20-29", "rows=0-9", "bytes=nine", "bytes=9-1"]) {
          const answer = await whole(selection, { range });
          assert.ok(answer.bytes.equals(full.bytes), range);
          assert.equal(answer.headers["content-range"], undefined);
        }
        const head = await get(selection, { range: "bytes=0-9" }, "HEAD");
        assert.equal(head.status, 200, "a range means nothing to HEAD");
        assert.equal(head.headers["content-length"], String(full.bytes.length));
        assert.equal(head.headers["accept-ranges"], "bytes");
      });

      it("sends a part only of what the client has begun with", async () => {
        const range = "bytes=10-19";
        const same = await get(selection, { range, "if-range": String(full.headers.etag) });
        assert.equal(same.status, 206);
        for (const other of ['"other"', `W/${full.headers.etag}`, new Date().toUTCString()]) {
          const answer = await whole(selection, { range, "if-range": other });
          assert.ok(answer.bytes.equals(full.bytes));
        }
        const known = await get(selection, { range, "if-none-match": String(full.headers.etag) });
        assert.equal(known.status, 304);
      });

      it("sends the whole where nothing is kept to take a part of", async () => {
        for (const [sql, headers] of [
          ["SELECT random() AS r", {}],
          [small, { "cache-control": "no-store" }],
        ] as const) {
          const answer = await get({ sql, format }, { range: "bytes=0-9", ...headers });
          assert.equal(answer.status, 200);
          assert.ok(answer.bytes.length > 10);
        }
      });
    });
  }

  it("ignores ranges of formats that aren't files", async () => {
    const answer = await get({ sql: small, format: "csv" }, { range: "bytes=0-9" });
    assert.equal(answer.status, 200);
    assert.ok(answer.bytes.length > 10);
  });

  it("lets pyarrow fetch only the columns that it reads", { skip: withoutPython }, async () => {
    const url = server.url + resultPath({ sql: large, format: "parquet" });
    const run = promisify(execFile)(python, [inRoot("test/python/ranges.py"), url, "value"], { maxBuffer: 2 ** 28 });
    const { rows, fetched, size } = JSON.parse((await run).stdout);
    assert.deepEqual(
      rows,
      Array.from({ length: 60_000 }, (_, index) => ({ value: index + 1 })),
    );
    assert.ok(fetched < size / 2, `${fetched} of ${size} bytes`);
  });

  it("takes values and pins as JSON", async () => {
    const rows = async (selection: object) => JSON.parse((await whole(selection)).bytes.toString()).data;
    const sql = "SELECT count(*) AS n FROM flights WHERE origin = $origin AND distance > $far";
    const [counted] = await rows({ sql, parameters: { origin: "SEA", far: 2000 } });
    assert.ok(counted.n > 0);
    const listed = await rows({ sql: sql.replace("$origin", "$1").replace("$far", "$2"), parameters: ["SEA", 2000] });
    assert.deepEqual(listed, [counted]);
    const typed = { sql: "SELECT $1 AS day", parameters: [{ type: "Date32", value: "2024-02-29" }] };
    assert.deepEqual(await rows(typed), [{ day: "2024-02-29" }]);
    const pinned = { sql: "SELECT count(*) AS n FROM flights", tables: { flights: { version: 0 } } };
    assert.deepEqual(await rows(pinned), [{ n: 508239 }]);
    assert.deepEqual(await rows({ sql: "SELECT $1 AS big", parameters: "[9007199254740993]", numbers: "string" }), [
      { big: "9007199254740993" },
    ]);
  });

  it("says what is wrong with a URL", async () => {
    const pointers = async (selection: object) => {
      const { errors } = assertProblem(await problem(selection), { status: 400, code: "invalid_request" });
      return errors?.map(({ pointer }) => pointer);
    };
    assert.deepEqual(await pointers({ sql: "SELECT $1", parameters: "[1" }), ["/parameters"]);
    assert.deepEqual(await pointers({ sql: "SELECT 1", tables: "{" }), ["/tables"]);
    const pin = { stocks: { version: -1 } };
    assert.deepEqual(await pointers({ sql: "SELECT * FROM stocks", tables: pin }), ["/tables/stocks/version"]);
    assert.deepEqual(await pointers({ format: "csv" }), ["/sql"]);
    assert.deepEqual(await pointers({ sql: "SELECT 1", row_limit: -1 }), ["/row_limit"]);
    assert.deepEqual(await pointers({ sql: "SELECT 1", limit: 1 }), ["/limit"]);
  });

  it("reads only", async () => {
    assertProblem(await problem({ sql: "DROP TABLE stocks" }), { status: 403, code: "statement_not_allowed" });
    assertProblem(await problem({ sql: "SELECT * FROM nowhere" }), { status: 422, code: "unknown_table" });
    for (const method of ["POST", "PUT", "DELETE"]) {
      const answer = await server.client.send(resultPath({ sql: "SELECT 1" }), { method });
      assertProblem(answer, { status: 405, code: "method_not_allowed" });
    }
  });

  it("is a query that can be looked up", async () => {
    const { headers } = await whole({ sql: small, format: "csv" });
    const status = (await server.client.send(`/v1/queries/${headers["query-id"]}`)).as<QueryStatus>();
    assert.deepEqual([status.status, status.format, status.row_count], ["SUCCEEDED", "csv", 5]);
    assert.equal(headers["lakegate-tables"], "stocks=4");
  });
});
