/** Requests that are wrong, hostile or too much: each has its status, kind and code, and the server lives on. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { encode } from "@msgpack/msgpack";
import type { Sending } from "./fixture/client.js";
import { assertProblem, type ExpectedProblem } from "./fixture/problem.js";
import { exchange, sendRaw } from "./fixture/raw.js";
import { startServer, type TestServer, temporaryFolder } from "./fixture/server.js";
import { writeTable } from "./fixture/tables.js";

interface BadRequest extends ExpectedProblem {
  name: string;
  send: Sending;
}

const json = { "content-type": "application/json" };
const sqlText = { "content-type": "application/sql" };
const messagePack = { "content-type": "application/vnd.msgpack" };

const request = (body: object, headers = {}): Sending => ({
  headers: { ...json, ...headers },
  body: JSON.stringify(body),
});
const sql = (text: string) => request({ sql: text });

const bodies: BadRequest[] = [
  { name: "an empty body", send: { headers: json, body: "" }, status: 400, code: "invalid_body" },
  { name: "empty SQL", send: { headers: sqlText, body: "" }, status: 400, code: "invalid_body" },
  {
    name: "a body of 10 MB",
    send: { headers: sqlText, body: `SELECT '${"x".repeat(1e7)}'` },
    status: 413,
    code: "body_too_large",
  },
  {
    name: "a small body that unpacks to 50 MB",
    send: { headers: { ...sqlText, "content-encoding": "gzip" }, body: gzipSync(Buffer.alloc(5e7, " ")) },
    status: 413,
    code: "body_too_large",
  },
  {
    name: "JSON that ends too early",
    send: { headers: json, body: '{"sql":\n "SELECT 1"' },
    status: 400,
    code: "invalid_json",
    kind: "validation",
  },
  {
    name: "JSON nested 100,000 deep",
    send: { headers: json, body: "[".repeat(1e5) },
    status: 400,
    code: "invalid_request",
    detail: /64 levels/,
  },
  {
    name: "JSON nested 10,000 deep",
    send: { headers: json, body: "[".repeat(1e4) },
    status: 400,
    code: "invalid_json",
  },
  {
    name: "a large body of JSON that breaks off",
    send: { headers: json, body: `{"sql":\n "${"x".repeat(1e5)}"` },
    status: 400,
    code: "invalid_json",
    detail: /EOF/,
  },
  {
    name: "2 MB of JSON with an integer beyond 2^53",
    send: { headers: json, body: `{"sql":"${"x".repeat(2e6)}","row_limit":9007199254740993}` },
    status: 413,
    code: "body_too_large",
    detail: /MessagePack/,
  },
  {
    name: "300,000 values",
    send: request({ sql: "SELECT 1", parameters: Array(3e5).fill(1) }),
    status: 413,
    code: "body_too_large",
    detail: /LAKEGATE_BODY_VALUES/,
  },
  {
    name: "300,000 values in MessagePack",
    send: { headers: messagePack, body: encode(Array(3e5).fill(1)) },
    status: 413,
    code: "body_too_large",
  },
  {
    name: "MessagePack nested 8,000,000 deep",
    send: { headers: messagePack, body: Buffer.alloc(8e6, 0x91) },
    status: 400,
    code: "invalid_request",
    detail: /64 levels/,
  },
  {
    name: "80,000 wrong parameters",
    send: request({ sql: "SELECT 1", parameters: Array(8e4).fill({ type: 1 }) }),
    status: 400,
    code: "invalid_request",
    detail: /parameters\/0/,
  },
  {
    name: "bytes that are no UTF-8",
    send: { headers: json, body: Buffer.from([0x22, 0xff, 0x22]) },
    status: 400,
    code: "invalid_body",
  },
  {
    name: "SQL that is no UTF-8",
    send: { headers: sqlText, body: Buffer.from([0x53, 0xc3]) },
    status: 400,
    code: "invalid_body",
  },
  {
    name: "no MessagePack",
    send: { headers: messagePack, body: Buffer.from([0xc1]) },
    status: 400,
    code: "invalid_body",
  },
  {
    name: "MessagePack of the wrong shape",
    send: { headers: messagePack, body: encode({ sql: 1 }) },
    status: 400,
    code: "invalid_request",
  },
  {
    name: "a body of another kind",
    send: { headers: { "content-type": "text/html" }, body: "<p>" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    name: "an Accept that nothing matches",
    send: request({ sql: "SELECT 1" }, { accept: "image/png" }),
    status: 406,
    code: "not_acceptable",
  },
  {
    name: "an unknown field",
    send: request({ sql: "SELECT 1", limit: 1 }),
    status: 400,
    code: "invalid_request",
    detail: /limit/,
  },
  {
    name: "a megabyte that is no statement",
    send: sql("x".repeat(1e6)),
    status: 422,
    code: "invalid_sql",
    detail: /^.{100,4100}$/,
  },
  { name: "no statement", send: request({ parameters: [] }), status: 400, code: "invalid_request", detail: /sql/ },
  { name: "a number for text", send: request({ sql: 1 }), status: 400, code: "invalid_request" },
  {
    name: "text for a number",
    send: request({ sql: "SELECT 1", row_limit: "5" }),
    status: 400,
    code: "invalid_request",
  },
  { name: "a negative limit", send: request({ sql: "SELECT 1", row_limit: -1 }), status: 400, code: "invalid_request" },
  {
    name: "an unknown choice",
    send: request({ sql: "SELECT 1", numbers: "text" }),
    status: 400,
    code: "invalid_request",
  },
  {
    name: "two pins at once",
    send: request({ sql: "SELECT 1", tables: { flights: { version: 0, timestamp: "2024-01-01T00:00:00Z" } } }),
    status: 400,
    code: "invalid_request",
  },
  {
    name: "a pin that is no time",
    send: request({ sql: "SELECT * FROM flights", tables: { flights: { timestamp: "yesterday" } } }),
    status: 400,
    code: "invalid_request",
  },
  {
    name: "a pin that doesn't exist",
    send: request({ sql: "SELECT * FROM flights", tables: { flights: { version: 99 } } }),
    status: 404,
    code: "version_not_found",
    kind: "delta",
  },
  {
    name: "an unknown session",
    send: request({ sql: "SELECT 1", session_id: "nobody" }),
    status: 404,
    code: "session_not_found",
  },
];

const statements: BadRequest[] = [
  { name: "no SQL at all", send: sql("hello"), status: 422, code: "invalid_sql", kind: "datafusion" },
  { name: "a comment only", send: sql("-- nothing"), status: 422, code: "invalid_sql" },
  { name: "two statements", send: sql("SELECT 1; SELECT 2"), status: 403, code: "statement_not_allowed" },
  { name: "an unknown table", send: sql("SELECT * FROM nothing_like_it"), status: 422, code: "unknown_table" },
  { name: "an unknown column", send: sql("SELECT nothing_like_it FROM flights"), status: 422, code: "unknown_column" },
  { name: "an unknown function", send: sql("SELECT frobnicate(1)"), status: 422, code: "invalid_query" },
  {
    name: "division by zero",
    send: sql("SELECT 1 / (month - month) FROM flights"),
    status: 422,
    code: "arithmetic_error",
    kind: "arrow",
  },
  {
    name: "overflow",
    send: sql("SELECT 9223372036854775807 + month FROM flights"),
    status: 422,
    code: "arithmetic_error",
    kind: "arrow",
  },
  ...[
    "SELECT sum(9223372036854775807) AS total FROM flights",
    "SELECT month, sum(9223372036854775807) AS total FROM flights GROUP BY month",
    "SELECT sum(arrow_cast(18446744073709551615, 'UInt64')) AS total FROM flights",
    "SELECT sum(arrow_cast(repeat('9', 38), 'Decimal128(38, 0)')) AS total FROM flights",
    "SELECT sum(9223372036854775807) OVER (ORDER BY month ROWS 2 PRECEDING) AS total FROM flights",
  ].map((text) => ({
    name: `a sum that overflows: ${text}`,
    send: sql(text),
    status: 422,
    code: "arithmetic_error" as const,
  })),
  {
    name: "an impossible cast",
    send: sql("SELECT CAST(origin AS INT) FROM flights"),
    status: 422,
    code: "invalid_cast",
  },
  {
    name: "a missing parameter",
    send: request({ sql: "SELECT $1 + $2", parameters: [1] }),
    status: 422,
    code: "parameter_missing",
    detail: /\$2/,
  },
  {
    name: "a parameter too many",
    send: request({ sql: "SELECT $1", parameters: [1, 2] }),
    status: 422,
    code: "parameter_invalid",
  },
  {
    name: "a parameter of the wrong type",
    send: request({ sql: "SELECT * FROM flights WHERE month = $1", parameters: ["May"] }),
    status: 422,
    code: "parameter_invalid",
  },
  {
    name: "a parameter that its type can't hold",
    send: request({ sql: "SELECT $1", parameters: [{ type: "Int8", value: 300 }] }),
    status: 422,
    code: "parameter_invalid",
  },
  {
    name: "a parameter of no type",
    send: request({ sql: "SELECT $1", parameters: [{ type: "Nonsense", value: 1 }] }),
    status: 422,
    code: "parameter_invalid",
  },
];

interface Garbage extends ExpectedProblem {
  name: string;
  bytes: string | Uint8Array;
}

const getHead = "GET /v1/tables HTTP/1.1\r\nHost: lakegate\r\n";
const postHead = getHead.replace("GET /v1/tables", "POST /v1/queries");

const garbage: Garbage[] = [
  { name: "words", bytes: "hello there\r\n\r\n", status: 400, code: "invalid_request" },
  { name: "a TLS hello", bytes: Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252]), status: 400, code: "invalid_request" },
  { name: "another protocol", bytes: getHead.replace("HTTP/1.1", "SSH/2.0"), status: 400, code: "invalid_request" },
  { name: "an unknown method", bytes: `${getHead.replace("GET", "FETCH")}\r\n`, status: 400, code: "invalid_request" },
  { name: "a header without a name", bytes: `${getHead}: x\r\n\r\n`, status: 400, code: "invalid_request" },
  { name: "a NUL in a header", bytes: `${getHead}X-Name: a\0b\r\n\r\n`, status: 400, code: "invalid_request" },
  {
    name: "no Host",
    bytes: "GET /v1/tables HTTP/1.1\r\nConnection: close\r\n\r\n",
    status: 400,
    code: "invalid_request",
  },
  {
    name: "two lengths",
    bytes: `${getHead}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    status: 400,
    code: "invalid_request",
  },
  {
    name: "a length and chunks",
    bytes: `${getHead}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    status: 400,
    code: "invalid_request",
  },
  {
    name: "a chunk without a size",
    bytes: `${postHead}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n`,
    status: 400,
    code: "invalid_request",
  },
  {
    name: "a header of 20 kB",
    bytes: `${getHead}X-Long: ${"x".repeat(2e4)}\r\n\r\n`,
    status: 431,
    code: "header_too_large",
  },
  {
    name: "a header of 20 MB",
    bytes: `${getHead}X-Long: ${"x".repeat(2e7)}\r\n\r\n`,
    status: 431,
    code: "header_too_large",
  },
  { name: "a URL of 20 kB", bytes: getHead.replace("tables", "x".repeat(2e4)), status: 431, code: "header_too_large" },
];

const refusals = [
  "INSERT INTO flights SELECT * FROM flights",
  "DELETE FROM flights",
  "UPDATE flights SET delay = 0",
  "DROP TABLE flights",
  "CREATE TABLE t AS SELECT 1",
  "CREATE VIEW v AS SELECT 1",
  "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
  "COPY flights TO '/tmp/stolen.csv'",
  "COPY (SELECT 1) TO 's3://bucket/x.parquet'",
  "EXPLAIN COPY flights TO '/tmp/stolen.csv'",
  "EXPLAIN ANALYZE COPY flights TO '/tmp/stolen.csv'",
  "SET datafusion.execution.batch_size = 1",
  "SHOW ALL",
  "BEGIN",
  "PREPARE p AS SELECT 1",
  "SELECT * INTO t FROM flights",
];

const files = ["'/etc/passwd'", '"/etc/passwd"', "'file:///etc/passwd'", "'data.parquet'", "'http://127.0.0.1/x.csv'"];

const repeated = (part: string, count: number, separator: string) => Array(count).fill(part).join(separator);
const chained = (count: number) =>
  `WITH ${Array.from({ length: count }, (_, n) => `c${n} AS (SELECT * FROM ${n === 0 ? "stocks" : `c${n - 1}`})`).join(", ")} SELECT * FROM c${count - 1}`;

const bombs: Record<string, string> = {
  "2,000 ORs": `SELECT ${repeated("1 = 1", 2000, " OR ")}`,
  "2,000 pluses": `SELECT ${repeated("1", 2000, " + ")}`,
  "20,000 concatenations": `SELECT ${repeated("'a'", 20_000, " || ")}`,
  "3,000 casts": `SELECT 1${"::BIGINT".repeat(3000)}`,
  "3,000 minuses": `SELECT ${"- ".repeat(3000)}1`,
  "3,000 NOTs": `SELECT ${"NOT ".repeat(3000)}true`,
  "5,000 parentheses": `SELECT ${"(".repeat(5000)}1${")".repeat(5000)}`,
  "5,000 UNION ALLs": repeated("SELECT 1", 5000, " UNION ALL "),
  "2,000 common table expressions": chained(2000),
  "doubling common table expressions": `WITH a0 AS (SELECT 1 AS x), ${Array.from({ length: 60 }, (_, n) => `a${n + 1} AS (SELECT * FROM a${n} UNION ALL SELECT * FROM a${n})`).join(", ")} SELECT count(*) FROM a60`,
  "nested array types": `SELECT CAST(NULL AS ${"ARRAY<".repeat(2000)}INT${">".repeat(2000)})`,
  "a nested type in a text": `SELECT arrow_cast(NULL, '${"List(".repeat(3000)}Int64${")".repeat(3000)}')`,
  "1,000 nested subqueries": `${"SELECT * FROM (".repeat(1000)}SELECT 1${") t".repeat(1000)}`,
  "2,000 CASEs": `SELECT ${"CASE WHEN true THEN ".repeat(2000)}1${" END".repeat(2000)}`,
  "200 relations joined by commas": `SELECT 1 FROM ${Array.from({ length: 200 }, (_, n) => `(SELECT 1) t${n}`).join(", ")}`,
  "a CUBE of 20 columns": `SELECT count(*) FROM stocks GROUP BY CUBE (${Array.from({ length: 20 }, (_, n) => `length(symbol) + ${n}`).join(", ")})`,
  "sets of groups that multiply": `SELECT count(*) FROM stocks GROUP BY ${Array.from({ length: 8 }, () => "GROUPING SETS ((symbol), (date), (price), ())").join(", ")}`,
  "2,000 joins": `SELECT 1 FROM stocks s0 ${Array.from({ length: 2000 }, (_, n) => `JOIN stocks s${n + 1} ON s0.date = s${n + 1}.date`).join(" ")}`,
  "100,000 list items": `SELECT 1 IN (${repeated("2", 100_000, ",")})`,
};

const appetites: Record<string, string> = {
  "a cross join of everything": "SELECT sum(a.delay * b.delay * c.delay) FROM flights a, flights b, flights c",
  "a trillion numbers": "SELECT sum(value) FROM generate_series(1, 1000000000000)",
  "a text of 2 GB": "SELECT length(repeat('x', 2000000000))",
  "a million texts of 1 MB": "SELECT max(repeat(origin, 350000)) FROM flights",
  "a giant list": "SELECT array_length(range(0, 2000000000))",
  "a catastrophic expression": "SELECT count(*) FROM flights WHERE regexp_like(origin || repeat('a', 30), '(a+)+$')",
};

describe("bad input", () => {
  let server: TestServer;
  const allowed = temporaryFolder();

  before(async () => {
    server = await startServer({ environment: { LAKEGATE_LOCATIONS: allowed } });
  });
  after(async () => {
    await server.stop();
    rmSync(allowed, { recursive: true });
  });

  const post = (send: Sending) => server.client.send("/v1/queries", { method: "POST", ...send });
  const lives = async () => assert.deepEqual(await server.client.rows("SELECT 1 AS one"), [{ one: 1 }]);

  for (const { name, send, ...expected } of [...bodies, ...statements]) {
    it(name, async () => {
      assertProblem(await post(send), expected);
    });
  }

  it("names every fault of a request with its place", async () => {
    const answer = await post(request({ sql: 1, row_limit: -1, tables: { t: { version: "x" } }, nonsense: true }));
    const { errors = [] } = assertProblem(answer, { status: 400, code: "invalid_request" });
    const pointers = errors.map(({ pointer }) => pointer);
    for (const pointer of ["/sql", "/row_limit"]) assert.ok(pointers.includes(pointer), answer.text);
    assert.match(answer.text, /nonsense/);
  });

  it("lists the formats that there are when none is acceptable", async () => {
    const answer = await post(request({ sql: "SELECT 1" }, { accept: "image/png" }));
    assert.match(answer.text, /application\/vnd\.apache\.arrow\.stream/);
  });

  for (const { name, bytes, ...expected } of garbage) {
    it(`${name} over a bare connection`, async () => {
      const answer = await sendRaw(server.url, bytes);
      assertProblem(answer, { kind: "validation", ...expected });
      assert.equal(answer.headers.get("connection"), "close");
      await lives();
    });
  }

  it("garbage after a request breaks its answer off, and does not end it", async () => {
    const body = JSON.stringify({ sql: "SELECT * FROM flights" });
    const head = `${postHead}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const text = (await exchange(server.url, `${head}${body}`, "garbage\r\n\r\n")).toString();
    assert.match(text, /^HTTP\/1.1 200 OK\r\n/);
    assert.doesNotMatch(text, /problem|\r\n0\r\n/);
    await lives();
  });

  for (const statement of refusals) {
    it(`refuses ${statement}`, async () => {
      assertProblem(await post(sql(statement)), { status: 403, code: "statement_not_allowed" });
    });
  }

  for (const file of files) {
    it(`reads no file ${file}`, async () => {
      const answer = await post(sql(`SELECT * FROM ${file}`));
      assert.ok(answer.status === 403 || answer.status === 422, answer.text);
      assert.doesNotMatch(answer.text, /root:/);
    });
  }

  for (const [name, bomb] of Object.entries(bombs)) {
    it(`refuses ${name} before planning`, async () => {
      const problem = assertProblem(await post(sql(bomb)), { status: 422, code: "statement_too_complex" });
      const { limit, maximum, actual } = problem.details as Record<string, number>;
      assert.ok(limit && Number(actual) > Number(maximum), JSON.stringify(problem));
      await lives();
    });
  }

  for (const [name, appetite] of Object.entries(appetites)) {
    it(`outlives ${name}`, async () => {
      const answer = await post(request({ sql: appetite, timeout_ms: 3000 }));
      assert.ok([200, 422, 504].includes(answer.status), answer.text);
      await lives();
    });
  }

  it("runs what is long but harmless", async () => {
    for (const statement of [
      `SELECT ${repeated("1 = 1", 300, " OR ")} AS x`,
      `SELECT 1 IN (${repeated("2", 5000, ",")}) AS x`,
      repeated("SELECT 1 AS x", 300, " UNION ALL "),
      chained(20),
    ]) {
      const answer = await post(sql(statement));
      assert.equal(answer.status, 200, answer.text.slice(0, 500));
    }
  });

  it("serves the other tables when one is broken", async () => {
    const warehouse = temporaryFolder();
    await writeTable(warehouse, "good", [{ mode: "create", sql: "SELECT 1 AS n" }]);
    mkdirSync(join(warehouse, "corrupt/_delta_log"), { recursive: true });
    writeFileSync(join(warehouse, "corrupt/_delta_log/00000000000000000000.json"), '{"add":');
    mkdirSync(join(warehouse, "empty/_delta_log"), { recursive: true });
    const broken = await startServer({ warehouse });
    try {
      assert.deepEqual(await broken.client.rows("SELECT n FROM good"), [{ n: 1 }]);
      assertProblem(await broken.client.query("SELECT * FROM corrupt"), {
        status: 422,
        code: "table_corrupt",
        kind: "delta",
      });
      const empty = await broken.client.query("SELECT * FROM empty");
      assert.equal(empty.status, 422, empty.text);
      assert.equal((await broken.client.send("/v1/tables")).status, 200);
    } finally {
      await broken.stop();
      rmSync(warehouse, { recursive: true });
    }
  });
});
