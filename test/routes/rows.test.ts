/** /v1/tables/{name}/rows: rows in every format become one commit, whole or not at all, and stream in. */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { type ClientRequest, request as httpRequest } from "node:http";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { peakDuring, residentBytes } from "../../bench/process-facts.js";
import { encode } from "../../engine/codec.js";
import { Answer } from "../fixture/client.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { commitFile } from "../fixture/tables.js";
import { flights, report, rowTypes, Writing } from "../fixture/writing.js";

const rowsLimit = 200e6;

describe("rows", () => {
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

  const send = (
    name: string,
    type: string,
    body: string | Uint8Array,
    selection = "",
    headers: Record<string, string> = {},
  ) =>
    server.client.send(`/v1/tables/${name}/rows?${selection}`, {
      method: "POST",
      headers: { "content-type": type, ...headers },
      body,
    });

  /** As a body of which nobody says how long it will be. */
  const inPieces = (name: string, type: string, body: string | Uint8Array) => {
    const bytes = Buffer.from(body);
    const { upload, answer } = begin(server, name, { "content-type": type });
    upload.write(bytes.subarray(0, bytes.length / 2));
    upload.end(bytes.subarray(bytes.length / 2));
    return answer;
  };

  describe("in every format", () => {
    const typed = `
      SELECT 9007199254740993 AS id, true AS flag, CAST(1.5 AS DOUBLE) AS ratio, CAST(12.34 AS DECIMAL(10, 2)) AS price,
        DATE '2026-01-15' AS day, TIMESTAMP '2026-01-15T09:30:00.123456' AS moment, 'Zürich, "東京"' AS place
      UNION ALL SELECT 1, NULL, NULL, NULL, NULL, NULL, NULL`;

    for (const [format, type] of Object.entries(rowTypes)) {
      it(`${format}: make a table, then append to it, as a query gives them`, async () => {
        const source = await send(`source_${format}`, rowTypes.parquet, await result(typed, rowTypes.parquet), create);
        assert.equal(source.status, 201, source.text);
        const target = `target_${format}`;
        const columns = (await tables.describe(`source_${format}`)).table.schema.fields.map(
          ({ name, type: dtype }) => ({ name, dtype }),
        );
        assert.equal((await tables.create(target, { columns })).status, 201);
        const body = await result(typed, type);
        const bytes = format === "msgpack" || format === "json" ? await listOf(typed, format) : body;
        assert.equal(report(await send(target, type, bytes)).version, 1);
        assert.deepEqual(await tables.read(target), await tables.read(`source_${format}`));
        assert.equal(await tables.version(target), 1);
        assert.equal((await tables.create(`pieces_${format}`, { columns })).status, 201);
        report(await inPieces(`pieces_${format}`, type, bytes));
        assert.deepEqual(await tables.read(`pieces_${format}`), await tables.read(target));
      });
    }

    const result = async (sql: string, accept: string) => (await server.client.query(sql, { accept })).bytes;
    /** The rows alone, as the answer's `data` has them. */
    const listOf = async (sql: string, format: "json" | "msgpack") => {
      const data = await server.client.rows(sql);
      return format === "msgpack" ? encode(data) : exactJson(data);
    };
  });

  describe("by mode", () => {
    it("append, in one commit that says who made it", async () => {
      const name = await tables.table();
      const options = encodeURIComponent(JSON.stringify({ metadata: { team: "ingest" } }));
      const answer = await tables.rows(name, [{ id: 4, origin: "LAX", delay: 1 }], `commit_options=${options}`);
      const { operation, version, skipped } = report(answer);
      assert.deepEqual([operation, version, skipped], ["WRITE", 1, false]);
      assert.equal(answer.headers.get("etag"), (await tables.describe(name)).tag);
      assert.deepEqual(await tables.ids(name), [1, 2, 3, 4]);
      assert.match(readFileSync(commitFile(warehouse, name, 1), "utf8"), /"team":"ingest"/);
    });

    it("append rows whose columns come in another order or are left out", async () => {
      const name = await tables.table();
      report(await tables.rows(name, [{ delay: 7, id: 4 }]));
      assert.deepEqual((await tables.read(name)).at(-1), { id: 4, origin: null, delay: 7 });
    });

    it("overwrite all, or what a predicate names", async () => {
      const name = await tables.table();
      const seattle = [{ id: 9, origin: "SEA", delay: 0 }];
      const where = encodeURIComponent("origin = 'SEA'");
      report(await tables.rows(name, seattle, `mode=overwrite&replace_where=${where}`));
      assert.deepEqual(await tables.ids(name), [2, 9]);
      const other = await tables.rows(name, flights, `mode=overwrite&replace_where=${where}`);
      assertProblem(other, { status: 422, code: "constraint_violated" });
      report(await tables.rows(name, flights, "mode=overwrite"));
      assert.deepEqual(await tables.read(name), flights);
    });

    it("refuse a predicate without an overwrite", async () => {
      const name = await tables.table();
      const answer = await tables.rows(name, flights, "replace_where=true");
      assertProblem(answer, { status: 400, code: "invalid_request", detail: /replace_where/ });
    });

    it("merge or replace the schema where told to, and only then", async () => {
      const name = await tables.table();
      const wider = [{ id: 4, origin: "LAX", delay: 1, gate: "B7" }];
      assertProblem(await tables.rows(name, wider), { status: 422, code: "invalid_rows", detail: /gate/ });
      report(await tables.rows(name, wider, "schema_mode=merge"));
      assert.deepEqual((await tables.read(name)).at(-1), wider[0]);
      assert.deepEqual((await tables.read(name))[0], { ...flights[0], gate: null });
      report(await tables.rows(name, [{ id: 1, text: "new" }], "mode=overwrite&schema_mode=overwrite"));
      assert.deepEqual(await tables.read(name), [{ id: 1, text: "new" }]);
    });

    it("create a partitioned table, with its place and version", async () => {
      const answer = await tables.rows("parted", flights, "mode=create&partition_columns=origin");
      assert.deepEqual([answer.status, answer.headers.get("location")], [201, "/v1/tables/parted"], answer.text);
      assert.deepEqual((await tables.describe("parted")).table.partition_columns, ["origin"]);
      assertProblem(await tables.rows("parted", flights, "mode=create"), { status: 409, code: "table_exists" });
      assert.deepEqual(await tables.read("parted", "id, origin, delay"), flights);
    });

    it("fulfil extra constraints, and pass a gate", async () => {
      const name = await tables.table();
      const constraints = encodeURIComponent(JSON.stringify({ early: "delay > -10" }));
      const late = await tables.rows(name, [{ id: 4, delay: -99 }], `extra_constraints=${constraints}`);
      assertProblem(late, { status: 422, code: "constraint_violated", detail: /early/ });
      const gate = encodeURIComponent(JSON.stringify({ min_writer_version: 7 }));
      assertProblem(await tables.rows(name, flights, `gate=${gate}`), { status: 412, code: "gate_failed" });
      assert.equal(await tables.version(name), 0);
    });

    it("make files of the size that is wanted", async () => {
      const name = await tables.table();
      const many = Array.from({ length: 50_000 }, (_, id) => ({ id, origin: `${id * 7919}`, delay: id % 61 }));
      report(await tables.rows(name, many, "mode=overwrite&target_file_size=100000"));
      const { files, rows } = (await tables.describe(name)).table;
      assert.ok(files > 1, `${files} files`);
      assert.equal(rows, 50_000);
    });

    it("are written once where their key is repeated", async () => {
      const name = await tables.table();
      const key = { "idempotency-key": "rows-1" };
      const more = [{ id: 4, origin: "LAX", delay: 1 }];
      assert.equal(report(await tables.rows(name, more, "", key)).skipped, false);
      assert.equal(report(await tables.rows(name, more, "", key)).skipped, true);
      assert.deepEqual(await tables.ids(name), [1, 2, 3, 4]);
      assertProblem(await tables.rows(name, more, "mode=overwrite", key), {
        status: 422,
        code: "idempotency_key_reused",
      });
    });
  });

  describe("that are wrong", () => {
    const wrong: [string, string, string | Uint8Array, RegExp][] = [
      ["NDJSON with a text for a number", rowTypes.ndjson, '{"id":1}\n{"id":"x"}\n', /line 2/],
      ["NDJSON that breaks off", rowTypes.ndjson, '{"id":1}\n{"id":', /line 2/],
      ["JSON that is no list", rowTypes.json, '{"id":1}', /list|array/],
      ["JSON that breaks off", rowTypes.json, '[{"id":1},{"id"', /[Tt]runcated/],
      ["CSV with a text for a number", rowTypes.csv, "id,origin\n1,SEA\nx,PDX\n", /line 3/],
      ["CSV with a cell too many", rowTypes.csv, "id,origin\n1,SEA\n2,PDX,3\n", /line 3/],
      ["CSV with an unknown column", rowTypes.csv, "id,orign\n1,SEA\n", /orign/],
      ["no Parquet", rowTypes.parquet, "PAR1 this is none", /Parquet/i],
      ["no Arrow", rowTypes.arrow, Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]), /Arrow/i],
    ];

    for (const [what, type, body, detail] of wrong) {
      it(`${what}: are refused with the place, and nothing is written`, async () => {
        const name = await tables.table();
        for (const answer of [await send(name, type, body), await inPieces(name, type, body)])
          assertProblem(answer, { status: 422, code: "invalid_rows", kind: "arrow", detail });
        assert.equal(await tables.version(name), 0);
      });
    }

    it("a wrong parameter is named", async () => {
      const name = await tables.table();
      const selections: [string, string][] = [
        ["mode=upsert", "/mode"],
        ["gate=%7B", "/gate"],
        ["gate=%7B%22min_reader_version%22:-1%7D", "/gate/min_reader_version"],
        ["extra_constraints=%5B%5D", "/extra_constraints"],
        ["target_file_size=0", "/target_file_size"],
        ["overwrite=true", "/overwrite"],
      ];
      for (const [selection, pointer] of selections) {
        const problem = assertProblem(await tables.rows(name, flights, selection), {
          status: 400,
          code: "invalid_request",
        });
        assert.equal(problem.errors?.[0]?.pointer, pointer);
      }
    });

    it("an empty body, another media type and an unknown encoding are refused", async () => {
      const name = await tables.table();
      assertProblem(await send(name, rowTypes.csv, ""), { status: 400, code: "invalid_body" });
      assertProblem(await send(name, "text/html", "<p>"), { status: 415, code: "unsupported_media_type" });
      assertProblem(await send(name, "application/sql", "SELECT 1"), { status: 415, code: "unsupported_media_type" });
      assertProblem(await send(name, rowTypes.csv, "id\n1\n", "", { "content-encoding": "compress" }), {
        status: 415,
        code: "unsupported_media_type",
      });
      assertProblem(await send(name, rowTypes.csv, "id\n1\n", "", { "content-encoding": "gzip" }), {
        status: 400,
        code: "invalid_body",
      });
      assertProblem(await tables.rows("nothing", flights), { status: 404, code: "table_not_found" });
      assert.equal(await tables.version(name), 0);
    });

    it("rows in a format of rows are no body of another route", async () => {
      const answer = await server.client.send("/v1/sessions", {
        method: "POST",
        headers: { "content-type": rowTypes.csv },
        body: "a\n1\n",
      });
      assertProblem(answer, { status: 415, code: "unsupported_media_type", detail: /application\/json/ });
    });
  });

  describe("that stream in", () => {
    const header = "id,origin,delay\n";
    const line = (id: number) => `${id},SEA,${id % 60}\n`;

    it("are written when they come slowly and in pieces", async () => {
      const name = await tables.table();
      const { upload, answer } = begin(server, name);
      for (const piece of [header, "10,S", "EA,1\n1", "1,PDX,2\n", "12,LAX,3"]) {
        upload.write(piece);
        await pause(50);
      }
      assert.equal(await tables.version(name), 0);
      upload.end();
      report(await answer);
      assert.deepEqual(await tables.ids(name), [1, 2, 3, 10, 11, 12]);
    });

    it("leave nothing when their sender goes away", async () => {
      const name = await tables.table();
      const { upload, answer } = begin(server, name);
      upload.write(header);
      for (let id = 0; id < 100_000; id++) upload.write(line(id));
      await pause(100);
      upload.destroy();
      await assert.rejects(answer);
      await pause(300);
      assert.equal(await tables.version(name), 0);
      report(await tables.rows(name, [{ id: 4 }]));
      assert.deepEqual(await tables.ids(name), [1, 2, 3, 4]);
      assert.doesNotMatch(server.output(), /a request failed on a defect/);
    });

    it("leave nothing when their sender goes away before as many came as were announced", async () => {
      const name = await tables.table();
      const { upload, answer } = begin(server, name, { "content-type": rowTypes.csv, "content-length": "1000" });
      upload.write(`${header}${line(10)}`);
      await pause(100);
      upload.destroy();
      await assert.rejects(answer);
      report(await tables.rows(name, [{ id: 4 }]));
      assert.deepEqual(await tables.ids(name), [1, 2, 3, 4]);
      assert.doesNotMatch(server.output(), /a request failed on a defect/);
    });

    it("are refused early, while their sender still sends", async () => {
      const name = await tables.table();
      const { upload, answer } = begin(server, name);
      upload.write(`${header}x,y,z\n`);
      for (let id = 0; id < 200_000; id++) upload.write(line(id));
      upload.end();
      assertProblem(await answer, { status: 422, code: "invalid_rows" });
    });

    it("may be compressed", async () => {
      const name = await tables.table();
      const gzip = { "content-encoding": "gzip" };
      report(await send(name, rowTypes.csv, gzipSync(`${header}10,SEA,1\n`), "", gzip));
      const body = gzipSync(JSON.stringify({ predicate: "id = 1" }));
      const headers = { "content-type": rowTypes.json, ...gzip };
      report(await server.client.send(`/v1/tables/${name}/delete`, { method: "POST", headers, body }));
      assert.deepEqual(await tables.ids(name), [2, 3, 10]);
    });

    it("are counted after decompression", async () => {
      const name = await tables.table();
      const bomb = gzipSync(header + line(1).repeat(26e6));
      assert.ok(bomb.length < 2e6, `${bomb.length} bytes`);
      const large = await send(name, rowTypes.csv, bomb, "", { "content-encoding": "gzip" });
      assertProblem(large, { status: 413, code: "body_too_large", detail: /LAKEGATE_ROWS_LIMIT/ });
      assert.equal(await tables.version(name), 0);
    });

    it("need little memory", { skip: process.platform === "linux" ? false : "memory is read from /proc" }, async () => {
      const name = await tables.table();
      const idle = residentBytes(server.pid);
      const piece = Array.from({ length: 10_000 }, (_, id) => line(id)).join("");
      const { peak } = await peakDuring(server.pid, async () => {
        const { upload, answer } = begin(server, name);
        upload.write(header);
        for (let sent = header.length; sent + piece.length < rowsLimit; sent += piece.length) {
          if (!upload.write(piece)) await new Promise((resolve) => upload.once("drain", resolve));
        }
        upload.end();
        report(await answer);
      });
      const grown = Math.round((peak - idle) / 1e6);
      console.log(`200 MB of CSV: the server grew by ${grown} MB`);
      assert.ok(grown < 500, `grew by ${grown} MB`);
    });
  });
});

const create = "mode=create";

/** An upload of CSV whose pieces the test sends itself. */
function begin(
  server: TestServer,
  name: string,
  headers: Record<string, string> = { "content-type": rowTypes.csv },
): { upload: ClientRequest; answer: Promise<Answer> } {
  const upload = httpRequest(`${server.url}/v1/tables/${name}/rows`, { method: "POST", headers });
  const answer = new Promise<Answer>((resolve, reject) => {
    upload.on("error", reject);
    upload.on("response", async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const headers = new Headers(response.headers as Record<string, string>);
      resolve(new Answer(response.statusCode ?? 0, headers, Buffer.concat(chunks)));
    });
  });
  return { upload, answer };
}

/** JSON with bigints, and decimals that came as texts, as numbers. */
function exactJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => (typeof inner === "bigint" ? `${inner}n` : inner)).replaceAll(
    /"(\d+)n"/g,
    "$1",
  );
}
