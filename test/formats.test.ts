/** The six result formats carry the same values: the extremes of each type, and whatever a property test finds. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { tableFromIPC } from "apache-arrow";
import fc from "fast-check";
import { fromArrowSchema, toArrowSchema } from "../engine/native.js";
import type { QueryAnswer } from "../schemas/generated/index.js";
import {
  assertSameRows,
  type ExactRow,
  exactArrays,
  exactCsv,
  exactJson,
  exactLines,
  exactMessagePack,
} from "./fixture/exact.js";
import { everything, extremes, kinds } from "./fixture/extremes.js";
import { RowReader, withoutPython } from "./fixture/python.js";
import { startServer, type TestServer, temporaryFolder } from "./fixture/server.js";

const media = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  csv: "text/csv",
  arrow: "application/vnd.apache.arrow.stream",
  parquet: "application/vnd.apache.parquet",
  msgpack: "application/vnd.msgpack",
};

describe("formats", () => {
  let server: TestServer;
  let reader: RowReader;
  const folder = temporaryFolder();

  before(async () => {
    server = await startServer();
    if (!withoutPython) reader = new RowReader();
  });
  after(async () => {
    await reader?.stop();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  const result = async (request: string | object, format: keyof typeof media) => {
    const answer = await server.client.query(request, { accept: media[format] });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.get("content-type")?.split(";")[0], media[format]);
    return answer;
  };

  const inPython = async (
    request: string | object,
    format: "arrow" | "parquet",
    readAs: "arrow" | "parquet" | "duckdb",
  ) => {
    const path = join(folder, `result.${format}`);
    writeFileSync(path, (await result(request, format)).bytes);
    return reader.read({ format: readAs, paths: [path] });
  };

  for (const [name, { sql, json }] of Object.entries(extremes)) {
    it(`writes ${name} as ${json}`, async () => {
      const answer = await result(`SELECT ${sql} AS ${name}`, "json");
      assert.equal(answer.text.match(/"data":\[\{"[^"]+":(.*)\}\],"row_count"/s)?.[1], json);
    });
  }

  it("gives equal values in each of the formats", { skip: withoutPython }, async () => {
    const expected = exactJson((await result(everything, "json")).text);
    assert.equal(expected.length, 2);
    assertSameRows(exactLines((await result(everything, "ndjson")).text), expected, "NDJSON");
    assertSameRows(exactCsv((await result(everything, "csv")).text, kinds), expected, "CSV");
    assertSameRows(exactMessagePack((await result(everything, "msgpack")).bytes), expected, "MessagePack");
    assertSameRows(await inPython(everything, "arrow", "arrow"), expected, "Arrow");
    assertSameRows(await inPython(everything, "parquet", "parquet"), expected, "Parquet");
  });

  it("gives a Parquet file that DuckDB reads", { skip: withoutPython }, async () => {
    const sql = "SELECT * FROM seattle_weather ORDER BY date LIMIT 50";
    assert.deepEqual(await inPython(sql, "parquet", "duckdb"), exactJson((await result(sql, "json")).text));
  });

  it("gives an Arrow stream that Arrow for JavaScript reads", async () => {
    const sql = "SELECT month, count(*) AS n, sum(distance) AS total FROM flights GROUP BY month ORDER BY month";
    const table = tableFromIPC((await result(sql, "arrow")).bytes);
    assert.equal(table.numRows, 7);
    assert.deepEqual(table.get(6)?.toJSON(), { month: 7, n: 6n, total: 4649n });
  });

  it("gives columns that a spec says exactly", async () => {
    const others = ["Interval(MonthDayNano)", "Duration(Nanosecond)", "Time32(Second)", "FixedSizeBinary(3)", "Date64"];
    const sql = `${everything.split(" UNION ALL ")[0]}, ${others.map((type) => `arrow_cast(NULL, '${type}')`).join(", ")},
      NULL AS nothing, arrow_cast([1], 'FixedSizeList(1, Int64)') AS fixed_list, arrow_cast([1], 'LargeList(Int64)') AS large_list`;
    const { bytes } = await result(sql, "arrow");
    const spec = fromArrowSchema("result", bytes);
    const schema = tableFromIPC(bytes).schema;
    assert.deepEqual(String(tableFromIPC(toArrowSchema(spec)).schema), String(schema));
    assert.deepEqual(fromArrowSchema("result", toArrowSchema(spec)), spec);
    assert.equal(spec.fields.length, Object.keys(extremes).length + others.length + 3);
    const shown = (await result({ sql }, "json")).as<QueryAnswer>().schema.fields;
    assert.deepEqual(
      spec.fields.map(({ name, dtype, nullable }) => ({ name, type: dtype, nullable })),
      shown,
    );
  });

  it("gives tables without rows their columns", { skip: withoutPython }, async () => {
    const sql = "SELECT * FROM stocks WHERE false";
    assert.equal((await result(sql, "csv")).text, "symbol,date,price\r\n");
    assert.equal((await result(sql, "ndjson")).text, "");
    assert.equal(tableFromIPC((await result(sql, "arrow")).bytes).schema.fields.length, 3);
    assert.deepEqual(await inPython(sql, "parquet", "parquet"), []);
    assert.deepEqual(exactMessagePack((await result(sql, "msgpack")).bytes), []);
  });

  it("says which column a format cannot carry", async () => {
    const repeated = await server.client.query("SELECT 1 AS a, 2 AS a");
    assert.equal(repeated.status, 422, repeated.text);
    assert.match(repeated.text, /alias/);
  });

  it("carries whatever values it is given", { skip: withoutPython, timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 8 }), async (rows) => {
        const request = selectOf(rows);
        const expected = exactJson((await result(request, "json")).text);
        assert.deepEqual(expected, rows.map(exactRow), "as they were sent");
        assert.deepEqual(exactLines((await result(request, "ndjson")).text), expected, "NDJSON");
        assert.deepEqual(
          exactCsv((await result(request, "csv")).text, ["plain", "plain", "plain", "text", "text"]),
          expected,
          "CSV",
        );
        assert.deepEqual(exactMessagePack((await result(request, "msgpack")).bytes), expected, "MessagePack");
        assert.deepEqual(await inPython(request, "arrow", "arrow"), expected, "Arrow");
        assert.deepEqual(await inPython(request, "parquet", "parquet"), expected, "Parquet");
      }),
      { numRuns: 60 },
    );
  });
});

interface AnyRow {
  whole: bigint | null;
  double: number | null;
  decimal: bigint | null;
  text: string | null;
  time: Date | null;
}

const anyRow: fc.Arbitrary<AnyRow> = fc.record({
  whole: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  double: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  decimal: fc.option(fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n })),
  text: fc.option(fc.string({ unit: "grapheme", maxLength: 20 })),
  time: fc.option(fc.date({ min: new Date("1700-01-01"), max: new Date("2200-01-01"), noInvalidDate: true })),
});

const types = {
  whole: "Int64",
  double: "Float64",
  decimal: "Decimal128(38, 10)",
  text: "Utf8",
  time: 'Timestamp(Millisecond, "UTC")',
};

/** A statement that gives the rows back in their order, with every value as a typed parameter. */
function selectOf(rows: AnyRow[]) {
  const names = Object.keys(types) as (keyof typeof types)[];
  const parameters = rows.flatMap((row) => names.map((name) => ({ type: types[name], value: sent(row, name) })));
  const selects = rows.map((_, index) => {
    const cells = names.map((name, column) => `$${index * names.length + column + 1} AS ${name}`);
    return `SELECT ${cells.join(", ")}, ${index} AS position`;
  });
  const sql = `SELECT ${names.join(", ")} FROM (${selects.join(" UNION ALL ")}) ORDER BY position`;
  return { sql, parameters };
}

function sent(row: AnyRow, name: keyof AnyRow): string | null {
  const value = row[name];
  if (value === null) return null;
  if (value instanceof Date) return value.toISOString();
  if (name === "decimal") return scaled(value as bigint);
  return Object.is(value, -0) ? "-0.0" : String(value);
}

function scaled(value: bigint): string {
  const digits = String(value < 0n ? -value : value).padStart(11, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -10)}.${digits.slice(-10)}`;
}

function exactRow(row: AnyRow): ExactRow {
  const numbers = (["whole", "double", "decimal"] as const).map((name) => sent(row, name) ?? "null");
  const texts = [row.text, row.time?.toISOString().replace(".000Z", "Z") ?? null].map((text) => JSON.stringify(text));
  return exactArrays(`[[${[...numbers, ...texts].join(",")}]]`)[0] ?? [];
}
