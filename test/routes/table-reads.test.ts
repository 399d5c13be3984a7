/** /v1/tables/{name}/snapshot, schema, history, files and changes. */
import assert from "node:assert/strict";
import { readFileSync, rmSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type {
  DeltaSnapshotInfo,
  QueryAnswer,
  QueryStatus,
  TableCommit,
  TableFileList,
  TableHistory,
  TableSchema,
} from "../../schemas/generated/index.js";
import type { Answer } from "../fixture/client.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { commitFile, writeTable } from "../fixture/tables.js";

const recorded = { properties: { "delta.enableChangeDataFeed": "true" } };
/** When each version of `paced` was committed. */
const times = ["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", "2026-01-03T00:00:00.000Z"];

type Row = Record<string, unknown>;

describe("reads of a table", () => {
  let server: TestServer;
  const warehouse = temporaryFolder();
  const read = (path: string) => server.client.send(`/v1/tables/${path}`);
  const commits = async (path: string) => (await read(path)).as<TableHistory>().items;
  const files = async (name: string, query: Record<string, string> = {}) =>
    (await read(`${name}/files?${new URLSearchParams(query)}`)).as<TableFileList>();
  const changes = async (name: string, query: Record<string, string> = {}) => {
    const answer = await read(`${name}/changes?${new URLSearchParams(query)}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.as<QueryAnswer>().data as Row[];
  };

  before(async () => {
    const letters = "VALUES ('a b', 1), ('c%d/e', 2), ('ü', 3)";
    await writeTable(warehouse, "paced", [
      { mode: "create", sql: "SELECT 1 AS n, 'one' AS name", ...recorded },
      { mode: "append", sql: "SELECT 2 AS n, 'two' AS name" },
      { mode: "overwrite", sql: "SELECT 3 AS n, 'three' AS name" },
    ]);
    await writeTable(warehouse, "parted", [
      {
        mode: "create",
        sql: `SELECT NULLIF(column1, '') AS letter, column2 AS n FROM (${letters})`,
        partition_columns: ["letter"],
        ...recorded,
      },
      { mode: "append", sql: "SELECT NULL AS letter, 4 AS n" },
    ]);
    await writeTable(warehouse, "silent", [
      { mode: "create", sql: "SELECT 1 AS n" },
      { mode: "append", sql: "SELECT 2 AS n" },
    ]);
    for (const name of ["vacuumed", "cleaned", "wordless", "clocked"])
      await writeTable(warehouse, name, [
        { mode: "create", sql: "SELECT 1 AS n", ...recorded },
        { mode: "append", sql: "SELECT 2 AS n" },
        { mode: "append", sql: "SELECT 3 AS n" },
      ]);
    for (const [version, time] of times.entries()) {
      for (const name of ["paced", "clocked"])
        utimesSync(commitFile(warehouse, name, version), new Date(time), new Date(time));
    }
    editCommit("wordless", 1, (action) => ("commitInfo" in action ? [] : [action]));
    giveInCommitTimestamps("clocked");
    server = await startServer({ warehouse });
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true });
  });

  function editCommit(name: string, version: number, change: (action: Row) => Row[]): void {
    const file = commitFile(warehouse, name, version);
    const actions = readFileSync(file, "utf8").trimEnd().split("\n");
    const changed = actions.flatMap((line) => change(JSON.parse(line)));
    writeFileSync(file, `${changed.map((action) => JSON.stringify(action)).join("\n")}\n`);
  }

  /** A day later than the files say. */
  function giveInCommitTimestamps(name: string): void {
    for (const [version, time] of times.entries()) {
      const inCommitTimestamp = Date.parse(time) + 86_400_000;
      editCommit(name, version, (action) => {
        if ("commitInfo" in action) return [{ commitInfo: { ...(action.commitInfo as Row), inCommitTimestamp } }];
        const metaData = action.metaData as { configuration: Row } | undefined;
        if (metaData === undefined) return [action];
        const configuration = { ...metaData.configuration, "delta.enableInCommitTimestamps": "true" };
        return [{ metaData: { ...metaData, configuration } }];
      });
      utimesSync(commitFile(warehouse, name, version), new Date(time), new Date(time));
    }
  }

  describe("snapshot", () => {
    it("is that of the newest version, or of the one given", async () => {
      const newest = (await read("paced/snapshot")).as<DeltaSnapshotInfo>();
      assert.deepEqual([newest.version, newest.snapshot_timestamp], [2, Date.parse(String(times[2]))]);
      assert.deepEqual(newest.table_properties, recorded.properties);
      assert.deepEqual([newest.min_reader_version, newest.reader_features], [1, []]);
      const fields = JSON.parse(newest.schema_json).fields.map(({ name }: { name: string }) => name);
      assert.deepEqual(fields, ["n", "name"]);
      for (const pin of ["version=1", `timestamp=${times[1]}`, "timestamp=2026-01-02T12:00:00Z"])
        assert.equal((await read(`paced/snapshot?${pin}`)).as<DeltaSnapshotInfo>().version, 1);
    });

    it("has a strong ETag for what it says", async () => {
      const { headers } = await read("paced/snapshot");
      const etag = headers.get("etag") ?? "";
      assert.match(etag, /^"[^"]+"$/);
      const again = await server.client.send("/v1/tables/paced/snapshot", { headers: { "if-none-match": etag } });
      assert.deepEqual([again.status, again.text], [304, ""]);
      assert.notEqual((await read("paced/snapshot?version=0")).headers.get("etag"), etag);
    });
  });

  it("refuse times and versions that there are not, and two pins", async () => {
    for (const path of ["snapshot", "schema", "history", "files"]) {
      const outside = ["version=3", "timestamp=2025-12-31T00:00:00Z", "timestamp=2026-01-03T00:00:00.001Z"];
      for (const pin of outside)
        assertProblem(await read(`paced/${path}?${pin}`), { status: 404, code: "version_not_found", kind: "delta" });
      const both = await read(`paced/${path}?version=1&timestamp=${times[1]}`);
      assertProblem(both, { status: 400, code: "invalid_request" });
      assertProblem(await read(`nowhere/${path}`), { status: 404, code: "table_not_found" });
    }
  });

  it("schema: the columns as Arrow and as Delta say them", async () => {
    const schema = (await read("parted/schema?version=0")).as<TableSchema>();
    assert.deepEqual(
      schema.columns.map(({ name, dtype, nullable }) => ({ name, dtype, nullable })),
      [
        { name: "letter", dtype: "Utf8", nullable: true },
        { name: "n", dtype: "Int64", nullable: false },
      ],
    );
    assert.deepEqual([schema.version, schema.partition_columns], [0, ["letter"]]);
    assert.equal(JSON.parse(schema.schema_json).fields[1].type, "long");
  });

  describe("history", () => {
    it("numbers the commits, newest first", async () => {
      const items = await commits("paced/history");
      assert.deepEqual(
        items.map(({ version, timestamp, operation, parameters }) => [version, timestamp, operation, parameters.mode]),
        [
          [2, times[2], "WRITE", "Overwrite"],
          [1, times[1], "WRITE", "Append"],
          [0, times[0], "WRITE", "ErrorIfExists"],
        ],
      );
      assert.equal(items[1]?.metrics.num_added_rows, 1);
      assert.match(String(items[0]?.engine_info), /^delta-rs/);
    });

    it("goes up to a version or a time", async () => {
      const versions = (items: TableCommit[]) => items.map(({ version }) => version);
      assert.deepEqual(versions(await commits("paced/history?version=1")), [1, 0]);
      assert.deepEqual(versions(await commits(`paced/history?timestamp=${times[0]}`)), [0]);
    });

    it("comes in pages", async () => {
      const first = await read("paced/history?limit=2");
      const { items, next_cursor } = first.as<TableHistory>();
      assert.deepEqual(
        items.map(({ version }) => version),
        [2, 1],
      );
      assert.match(first.headers.get("link") ?? "", /cursor=.*rel="next"/);
      const rest = (await read(`paced/history?limit=2&cursor=${next_cursor}`)).as<TableHistory>();
      assert.deepEqual([rest.items.map(({ version }) => version), rest.next_cursor], [[0], null]);
      assertProblem(await read("paced/history?cursor=x"), { status: 400, code: "invalid_request" });
    });

    it("has commits that say nothing of themselves", async () => {
      const items = await commits("wordless/history");
      assert.deepEqual(
        items.map(({ version, operation }) => [version, operation]),
        [
          [2, "WRITE"],
          [1, null],
          [0, "WRITE"],
        ],
      );
    });

    it("goes by in-commit timestamps where there are any", async () => {
      const dayLater = (text: string) => new Date(Date.parse(text) + 86_400_000).toISOString();
      const items = await commits("clocked/history");
      assert.deepEqual(items.map(({ timestamp }) => timestamp).reverse(), times.map(dayLater));
      const at = (time: string) => read(`clocked/snapshot?timestamp=${time}`);
      assert.equal((await at(dayLater(String(times[1])))).as<DeltaSnapshotInfo>().version, 1);
      assertProblem(await at(String(times[0])), { status: 404, code: "version_not_found" });
    });

    it("tells the times that travel goes by, whatever the file system says", async () => {
      const same = new Date("2026-02-01T00:00:00Z");
      for (const version of [0, 1]) utimesSync(commitFile(warehouse, "silent", version), same, same);
      for (const { version, timestamp } of await commits("silent/history")) {
        const at = (await read(`silent/snapshot?timestamp=${timestamp}`)).as<DeltaSnapshotInfo>();
        assert.equal(at.version, version);
        assert.equal(at.snapshot_timestamp, Date.parse(timestamp));
      }
    });
  });

  describe("files", () => {
    it("have decoded paths, partition values and statistics", async () => {
      const { version, items } = await files("parted");
      assert.equal(version, 1);
      const values = items.map(({ partition_values }) => partition_values?.letter ?? null);
      assert.deepEqual(values.toSorted(), ["a b", "c%d/e", null, "ü"].toSorted());
      for (const { path, size, stats, data_change } of items) {
        assert.equal(readFileSync(join(warehouse, "parted", path)).length, size, path);
        assert.equal(JSON.parse(String(stats)).numRecords, 1);
        assert.equal(data_change, true);
      }
    });

    it("are those that a predicate leaves", async () => {
      const left = async (predicate: string) =>
        (await files("parted", { predicate })).items.map(({ partition_values }) => partition_values?.letter ?? null);
      assert.deepEqual(await left("letter = 'a b'"), ["a b"]);
      assert.deepEqual(await left("letter = 'c%d/e' AND n > 0"), ["c%d/e"]);
      assert.deepEqual(await left("letter IS NULL"), [null]);
      assert.deepEqual(await left("n = 3"), ["ü"]);
      assert.deepEqual((await left("n >= 2")).toSorted(), ["c%d/e", "ü", null].toSorted());
      assert.deepEqual(await left("n > 100"), []);
      assert.equal((await left("true")).length, 4);
    });

    it("come in pages of one version", async () => {
      const whole = await files("parted");
      const pages: TableFileList[] = [await files("parted", { limit: "3" })];
      await writeTable(warehouse, "parted", [{ mode: "append", sql: "SELECT 'z' AS letter, 5 AS n" }]);
      for (let next = pages[0]?.next_cursor; next; next = pages.at(-1)?.next_cursor)
        pages.push(await files("parted", { limit: "3", cursor: next }));
      assert.deepEqual(
        pages.flatMap(({ items }) => items),
        whole.items,
      );
      assert.ok(pages.every(({ version }) => version === 1));
      assert.equal((await files("parted")).items.length, 5);
    });

    for (const [predicate, code] of [
      ["n +", "invalid_sql"],
      ["n = 1; SELECT 1", "invalid_sql"],
      ["missing = 1", "unknown_column"],
      ["n + 1", "invalid_query"],
      ["count(*) > 1", "invalid_query"],
    ] as const) {
      it(`refuse the predicate ${predicate}`, async () => {
        const answer = await read(`parted/files?${new URLSearchParams({ predicate })}`);
        assertProblem(answer, { status: 422, code });
      });
    }

    it("refuse a predicate that holds a query", async () => {
      const answer = await read(`parted/files?${new URLSearchParams({ predicate: "n IN (SELECT 1)" })}`);
      assertProblem(answer, { status: 403, code: "statement_not_allowed" });
    });
  });

  describe("changes", () => {
    const shown = (rows: Row[]) =>
      rows.map((row) => [row.n, row._change_type, row._commit_version]).sort((one, other) => compare(one, other));
    const compare = (one: unknown[], other: unknown[]) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);
    const all = [
      [1, "delete", 2],
      [1, "insert", 0],
      [2, "delete", 2],
      [2, "insert", 1],
      [3, "insert", 2],
    ];

    it("are all since version 0 when nothing is said", async () => {
      assert.deepEqual(shown(await changes("paced")), all);
    });

    it("have the types and times of the history", async () => {
      const answer = (await read("paced/changes?starting_version=1&ending_version=1")).as<QueryAnswer>();
      assert.deepEqual(
        answer.schema.fields.slice(-3).map(({ name, type }) => [name, type]),
        [
          ["_change_type", "Utf8"],
          ["_commit_version", "Int64"],
          ["_commit_timestamp", 'Timestamp(Millisecond, "UTC")'],
        ],
      );
      const [row] = answer.data as Row[];
      assert.equal(new Date(String(row?._commit_timestamp)).toISOString(), times[1]);
      assert.deepEqual(
        answer.tables.map(({ name, version }) => [name, version]),
        [["paced", 1]],
      );
    });

    for (const [range, expected] of [
      [{ starting_version: "2" }, all.filter(([, , version]) => version === 2)],
      [{ ending_version: "1" }, all.filter(([, , version]) => Number(version) < 2)],
      [{ starting_version: "1", ending_version: "1" }, [[2, "insert", 1]]],
      [{ starting_timestamp: "2026-01-01T00:00:00.001Z" }, all.filter(([, , version]) => Number(version) > 0)],
      [{ starting_timestamp: times[1] ?? "" }, all.filter(([, , version]) => Number(version) > 0)],
      [{ starting_timestamp: "2025-01-01T00:00:00Z", ending_timestamp: times[0] ?? "" }, [[1, "insert", 0]]],
      [{ ending_timestamp: "2026-01-02T23:59:59Z" }, all.filter(([, , version]) => Number(version) < 2)],
      [{ starting_timestamp: "2026-01-01T01:00:00Z", ending_timestamp: "2026-01-01T02:00:00Z" }, []],
      [{ ending_timestamp: "2025-01-01T00:00:00Z" }, []],
      [{ starting_version: "3", allow_out_of_range: "true" }, []],
      [{ ending_version: "9", allow_out_of_range: "true" }, all],
      [{ starting_timestamp: "2027-01-01T00:00:00Z", allow_out_of_range: "true" }, []],
      [
        { starting_version: "2", ending_timestamp: "2027-01-01T00:00:00Z", allow_out_of_range: "true" },
        all.filter(([, , version]) => version === 2),
      ],
    ] as [Record<string, string>, unknown[][]][]) {
      it(`of ${new URLSearchParams(range)}`, async () => {
        assert.deepEqual(shown(await changes("paced", range)), expected);
      });
    }

    for (const [range, status, code] of [
      [{ starting_version: "3" }, 404, "version_not_found"],
      [{ ending_version: "3" }, 404, "version_not_found"],
      [{ starting_timestamp: "2027-01-01T00:00:00Z" }, 404, "version_not_found"],
      [{ ending_timestamp: "2027-01-01T00:00:00Z" }, 404, "version_not_found"],
      [{ starting_version: "2", ending_version: "1" }, 400, "invalid_request"],
      [{ starting_timestamp: String(times[1]), ending_timestamp: String(times[0]) }, 400, "invalid_request"],
      [{ starting_version: "0", starting_timestamp: String(times[0]) }, 400, "invalid_request"],
      [{ ending_version: "0", ending_timestamp: String(times[0]) }, 400, "invalid_request"],
      [{ starting_version: "-1" }, 400, "invalid_request"],
      [{ columns: "nn" }, 422, "unknown_column"],
      [{ predicate: "nn = 1" }, 422, "unknown_column"],
      [{ predicate: "n = " }, 422, "invalid_sql"],
      [{ session_id: "none" }, 404, "session_not_found"],
    ] as [Record<string, string>, number, "version_not_found"][]) {
      it(`refuse ${new URLSearchParams(range)}`, async () => {
        assertProblem(await read(`paced/changes?${new URLSearchParams(range)}`), { status, code });
      });
    }

    it("have only the columns that are wanted", async () => {
      const answer = await read("paced/changes?starting_version=2&columns=_change_type&columns=name&columns=n");
      const { schema, data } = answer.as<QueryAnswer>();
      assert.deepEqual(
        schema.fields.map(({ name }) => name),
        ["_change_type", "name", "n"],
      );
      assert.equal(data.length, 3);
      assert.deepEqual(await changes("paced", { ending_version: "0", columns: "name" }), [{ name: "one" }]);
    });

    it("are those for which the predicate is true", async () => {
      const where = async (predicate: string) => shown(await changes("paced", { predicate }));
      assert.deepEqual(await where("n = 1 AND _change_type = 'delete'"), [[1, "delete", 2]]);
      assert.deepEqual(await where(`_commit_timestamp < TIMESTAMP '${times[1]}'`), [[1, "insert", 0]]);
      assert.deepEqual(await where("_commit_version = 2 AND n < 3"), [
        [1, "delete", 2],
        [2, "delete", 2],
      ]);
      const parted = await changes("parted", { predicate: "letter = 'c%d/e'" });
      assert.deepEqual(shown(parted), [[2, "insert", 0]]);
      assert.deepEqual(shown(await changes("parted", { predicate: "letter IS NULL OR n = 1" })), [
        [1, "insert", 0],
        [4, "insert", 1],
      ]);
    });

    it("come in every format, with the headers of a query", async () => {
      const get = (accept: string) =>
        server.client.send("/v1/tables/paced/changes?starting_version=1&ending_version=1", { headers: { accept } });
      const csv = await get("text/csv");
      assert.match(csv.text, /^n,name,_change_type,_commit_version,_commit_timestamp\r?\n2,two,insert,1,2026-01-02/);
      assert.equal(csv.headers.get("lakegate-tables"), "paced=1");
      const formats = ["ndjson", "vnd.apache.arrow.stream", "vnd.apache.parquet", "vnd.msgpack"];
      for (const format of formats) {
        const type = format === "ndjson" ? "application/x-ndjson" : `application/${format}`;
        const answer: Answer = await get(type);
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.headers.get("content-type"), type);
        assert.equal(answer.headers.get("query-row-count"), "1");
      }
      assertProblem(await get("image/png"), { status: 406, code: "not_acceptable" });
      const status = await server.client.send(`/v1/queries/${csv.headers.get("query-id")}`);
      assert.deepEqual(
        [status.as<QueryStatus>().status, status.as<QueryStatus>().sql],
        ["SUCCEEDED", "-- changes of paced"],
      );
    });

    it("keep to the limits of a result", async () => {
      const answer = (await read("paced/changes?row_limit=2&row_format=array&spool=true")).as<QueryAnswer>();
      assert.deepEqual([answer.row_count, answer.truncated], [2, true]);
      assert.ok(Array.isArray(answer.data[0]));
    });

    it("are refused where they were not recorded", async () => {
      const answer = await read("silent/changes");
      assertProblem(answer, { status: 422, code: "change_data_disabled", kind: "delta", detail: /Version 0/ });
    });

    it("are gone with their files", async () => {
      const [first] = (await files("vacuumed", { version: "0" })).items;
      unlinkSync(join(warehouse, "vacuumed", String(first?.path)));
      assertProblem(await read("vacuumed/changes"), { status: 410, code: "change_data_expired", kind: "delta" });
      assert.deepEqual(shown(await changes("vacuumed", { starting_version: "1" })), [
        [2, "insert", 1],
        [3, "insert", 2],
      ]);
    });

    it("are gone with their log", async () => {
      assert.equal((await changes("cleaned")).length, 3);
      unlinkSync(commitFile(warehouse, "cleaned", 0));
      const expired = { status: 410, code: "change_data_expired", kind: "delta" } as const;
      assertProblem(await read("cleaned/changes"), expired);
      assertProblem(await read("cleaned/changes?starting_timestamp=2020-01-01T00:00:00Z"), expired);
    });
  });
});
