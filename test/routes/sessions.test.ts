/** /v1/sessions: settings that queries run with, and how long they last. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { RecordBatchReader } from "apache-arrow";
import type {
  ExplainAnswer,
  QueryAnswer,
  SessionDescription,
  SessionList,
  SessionProfile,
} from "../../schemas/generated/index.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { Writing } from "../fixture/writing.js";

describe("sessions", () => {
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const create = async (request: object) => {
    const answer = await server.client.sendJson("/v1/sessions", request);
    assert.equal(answer.status, 201, answer.text);
    const session = answer.as<SessionDescription>();
    assert.equal(answer.headers.get("location"), `/v1/sessions/${session.session_id}`);
    return session;
  };
  const path = ({ session_id }: SessionDescription) => `/v1/sessions/${session_id}`;

  it("makes a session, shows it and ends it", async () => {
    const session = await create({ profile: { execution: { target_partitions: 3 } }, ttl_seconds: 60 });
    assert.equal(session.profile.execution?.target_partitions, 3);
    const life = Date.parse(session.expires_at) - Date.parse(session.created_at);
    assert.ok(Math.abs(life - 60_000) < 1000, `${life} ms`);
    const shown = (await server.client.send(path(session))).as<SessionDescription>();
    assert.equal(shown.session_id, session.session_id);
    const { items } = (await server.client.send("/v1/sessions")).as<SessionList>();
    assert.ok(items.some(({ session_id }) => session_id === session.session_id));
    assert.equal((await server.client.send(path(session), { method: "DELETE" })).status, 204);
    assertProblem(await server.client.send(path(session)), { status: 404, code: "session_not_found" });
    const query = await server.client.query({ sql: "SELECT 1", session_id: session.session_id });
    assertProblem(query, { status: 404, code: "session_not_found" });
  });

  it("fills in every setting", async () => {
    const { profile } = await create({});
    assert.ok(Number(profile.execution?.target_partitions) >= 1);
    assert.ok(Number(profile.execution?.batch_size) >= 1);
    assert.ok(Number(profile.memory?.limit_bytes) > 0);
    assert.ok(profile.execution?.time_zone);
  });

  it("has the fingerprint of its settings, whoever gave them", async () => {
    const plain = await create({});
    const spelt = await create({ profile: plain.profile, ttl_seconds: 60 });
    const other = await create({ profile: { execution: { time_zone: "Europe/Paris" } } });
    assert.match(plain.profile_fingerprint, /^[0-9a-f]{64}$/);
    assert.equal(spelt.profile_fingerprint, plain.profile_fingerprint);
    assert.notEqual(other.profile_fingerprint, plain.profile_fingerprint);
  });

  it("runs queries with its defaults", async () => {
    const { session_id } = await create({ profile: { defaults: { row_limit: 5 } } });
    const run = async (request: object) =>
      (await server.client.query({ sql: "SELECT * FROM stocks", session_id, ...request })).as<QueryAnswer>();
    const limited = await run({});
    assert.deepEqual([limited.row_count, limited.truncated], [5, true]);
    assert.equal((await run({ row_limit: 8 })).row_count, 8);
  });

  it("plans with its partitions", async () => {
    const { session_id } = await create({ profile: { execution: { target_partitions: 5 } } });
    const sql = "SELECT origin, count(*) FROM flights GROUP BY origin";
    const answer = await server.client.sendJson("/v1/queries/explain", { sql, session_id });
    assert.match(answer.as<ExplainAnswer>().physical_plan, /Hash\(\[origin@0\], 5\)/);
  });

  it("understands times in its zone", async () => {
    const { session_id } = await create({ profile: { execution: { time_zone: "Asia/Tokyo" } } });
    const sql = "SELECT CAST(TIMESTAMP '2024-01-01 00:00:00' AS TIMESTAMP WITH TIME ZONE) AS t";
    const answer = await server.client.query({ sql, session_id });
    assert.match(answer.text, /2024-01-01T00:00:00\+09:00/);
  });

  it("keeps a query within its memory", async () => {
    const { session_id } = await create({ profile: { memory: { limit_bytes: 2 ** 20 } } });
    const sql = "SELECT a.date, array_agg(b.origin) FROM flights a JOIN flights b ON a.date = b.date GROUP BY a.date";
    assertProblem(await server.client.query({ sql, session_id }), { status: 422, code: "memory_exceeded" });
  });

  it("ends a session that is not used", async () => {
    const session = await create({ ttl_seconds: 2 });
    for (let use = 0; use < 2; use++) {
      await pause(1200);
      assert.equal((await server.client.query({ sql: "SELECT 1", session_id: session.session_id })).status, 200);
    }
    while ((await server.client.send(path(session))).status === 200) await pause(50);
    assertProblem(await server.client.send(path(session)), { status: 404, code: "session_not_found" });
  });

  it("refuses settings that it does not know or that make no sense", async () => {
    const requests = [
      { profile: { execution: { target_partition: 2 } } },
      { profile: { execution: { target_partitions: 0 } } },
      { profile: { execution: { target_partitions: "2" } } },
      { ttl_seconds: -1 },
      { profil: {} },
    ];
    for (const request of requests) {
      const problem = assertProblem(await server.client.sendJson("/v1/sessions", request), {
        status: 400,
        code: "invalid_request",
      });
      assert.match(problem.errors?.[0]?.pointer ?? "", /^\//);
    }
    const nowhere = await server.client.sendJson("/v1/sessions", {
      profile: { execution: { time_zone: "Mars/Olympus" } },
    });
    assert.ok(nowhere.status === 400 || nowhere.status === 422, nowhere.text);
  });

  describe("settings", () => {
    const explain = async (profile: SessionProfile, sql: string, analyze = false) => {
      const { session_id } = await create({ profile });
      const answer = await server.client.sendJson("/v1/queries/explain", { sql, session_id, analyze });
      assert.equal(answer.status, 200, answer.text);
      return answer.as<ExplainAnswer>();
    };
    const plan = async (profile: SessionProfile, sql: string) =>
      (await explain({ ...profile, execution: { target_partitions: 4, ...profile.execution } }, sql)).physical_plan;
    const run = async (profile: SessionProfile, sql: string, request = {}) => {
      const { session_id } = await create({ profile });
      return server.client.query({ sql, session_id, ...request });
    };

    const joined = "SELECT a.origin, b.distance FROM flights a JOIN flights b ON a.date = b.date";
    const filter = "SELECT count(*) FROM flights WHERE distance > 2000 AND origin = 'SEA'";
    const apart = { joins: { broadcast_bytes: 0 } };
    /** A file that isn't cut in ranges of bytes. */
    const wholeFiles = /\.parquet[\],]/;
    /** What a plan shows with a setting, and doesn't with others. */
    const planned: [string, SessionProfile, string, RegExp, SessionProfile?][] = [
      ["repartition_joins", { ...apart, execution: { repartition_joins: false } }, joined, /mode=CollectLeft/, apart],
      [
        "repartition_aggregations",
        { execution: { repartition_aggregations: false } },
        "SELECT origin, count(*) FROM flights GROUP BY origin",
        /mode=Final,/,
      ],
      [
        "repartition_windows",
        { execution: { repartition_windows: false } },
        "SELECT row_number() OVER (PARTITION BY origin ORDER BY date) FROM flights",
        /SortPreservingMergeExec/,
      ],
      [
        "repartition_sorts",
        { execution: { repartition_sorts: false } },
        "SELECT * FROM flights ORDER BY delay, date",
        /CoalescePartitionsExec/,
      ],
      ["repartition_file_scans", { execution: { repartition_file_scans: false } }, "SELECT * FROM flights", wholeFiles],
      [
        "repartition_file_min_size",
        { overrides: { "datafusion.optimizer.repartition_file_min_size": "1000000000" } },
        "SELECT * FROM flights",
        wholeFiles,
      ],
      ["joins.prefer", { joins: { prefer: "sort_merge" } }, joined, /SortMergeJoinExec/],
      ["joins.broadcast_bytes", { joins: { broadcast_bytes: 1_000_000_000 } }, joined, /mode=CollectLeft/, apart],
      [
        "join_reordering",
        { features: { join_reordering: false } },
        "SELECT a.name FROM flights f JOIN airports a ON a.iata = f.origin",
        /on=\[\(origin@/,
      ],
      [
        "piecewise_merge_join",
        { features: { piecewise_merge_join: true } },
        "SELECT a.date FROM stocks a JOIN stocks b ON a.price < b.price",
        /PiecewiseMergeJoin/,
      ],
      [
        "filter_null_join_keys",
        { overrides: { "datafusion.optimizer.filter_null_join_keys": "true" } },
        joined,
        /IS NOT NULL/,
      ],
      [
        "prefer_existing_union",
        { overrides: { "datafusion.optimizer.prefer_existing_union": "true" } },
        "SELECT x, count(*) FROM (SELECT origin x, count(*) FROM flights GROUP BY origin UNION ALL SELECT destination, count(*) FROM flights GROUP BY destination) GROUP BY x",
        / UnionExec/,
      ],
      [
        "enable_subquery_sort_elimination",
        { overrides: { "datafusion.sql_parser.enable_subquery_sort_elimination": "false" } },
        "SELECT * FROM (SELECT * FROM stocks ORDER BY price) WHERE price > 1",
        /SortExec/,
      ],
    ];
    for (const [name, profile, sql, shown, others = {}] of planned) {
      it(`${name} changes the plan`, async () => {
        assert.match(await plan(profile, sql), shown);
        assert.doesNotMatch(await plan(others, sql), shown);
      });
    }

    /** What a plan shows, and doesn't with a setting. */
    const smallBatches: SessionProfile = { execution: { batch_size: 10 } };
    const unplanned: [string, SessionProfile, string, RegExp, SessionProfile?][] = [
      ["pushdown_filters", { execution: { parquet: { pushdown_filters: true } } }, filter, /FilterExec/],
      ["parquet_pushdown", { delta: { scan: { parquet_pushdown: true } } }, filter, /FilterExec/],
      [
        "round_robin_repartition",
        { features: { round_robin_repartition: false }, ...smallBatches },
        "SELECT * FROM stocks WHERE price > 1",
        /RoundRobinBatch/,
        // The rows of one batch aren't dealt out.
        smallBatches,
      ],
      [
        "dynamic_filters",
        { features: { dynamic_filters: false } },
        "SELECT a.name FROM flights f JOIN airports a ON a.iata = f.origin",
        /DynamicFilter/,
      ],
    ];
    for (const [name, profile, sql, hidden, others = {}] of unplanned) {
      it(`${name} changes the plan`, async () => {
        assert.doesNotMatch(await plan(profile, sql), hidden);
        assert.match(await plan(others, sql), hidden);
      });
    }

    it("page_index leaves out pages", async () => {
      const sql = "SELECT count(*) FROM flights WHERE delay > 1000 AND distance < 200";
      const pages = async (profile: SessionProfile) =>
        (await explain(profile, sql, true)).analyze?.metrics.match(/page_index_pages_pruned=(\d+) total/)?.[1];
      assert.ok(Number(await pages({})) > 0);
      assert.equal(await pages({ execution: { parquet: { page_index: false } } }), "0");
    });

    it("batch_size bounds the batches", async () => {
      const sql = "SELECT * FROM flights LIMIT 500";
      const { session_id } = await create({ profile: { execution: { batch_size: 100 } } });
      const accept = "application/vnd.apache.arrow.stream";
      const answer = await server.client.query({ sql, session_id, cache: { no_store: true } }, { accept });
      const sizes = [...RecordBatchReader.from(answer.bytes)].map((batch) => batch.numRows);
      assert.ok(Math.max(...sizes) <= 100, String(sizes));
    });

    it("wrap_partition_values encodes partition columns", async () => {
      const sql = "SELECT arrow_typeof(symbol) AS type FROM stocks LIMIT 1";
      const [type] = (await run({ delta: { scan: { wrap_partition_values: true } } }, sql)).as<QueryAnswer>().data;
      assert.match(Object.values(type ?? {}).join(), /Dictionary/);
      const [plain] = (await run({}, sql)).as<QueryAnswer>().data;
      assert.doesNotMatch(Object.values(plain ?? {}).join(), /Dictionary/);
    });

    it("a fair pool gives each operator its part", async () => {
      const sql = "SELECT a.date, array_agg(b.origin) FROM flights a JOIN flights b ON a.date = b.date GROUP BY a.date";
      const memory = { limit_bytes: 2 ** 20 };
      const fair = await run({ memory: { ...memory, pool: "fair" } }, sql);
      assertProblem(fair, { status: 422, code: "memory_exceeded", detail: /fair share/ });
      assertProblem(await run({ memory }, sql), { status: 422, code: "memory_exceeded", detail: /greedy share/ });
    });

    it("spill_limit_bytes bounds what goes to disk", async () => {
      const sql = "SELECT * FROM flights ORDER BY delay, date, origin";
      const memory = { limit_bytes: 24 * 2 ** 20 };
      const execution = { target_partitions: 1, batch_size: 1024 };
      const spilled = await run({ execution, memory }, sql, { row_limit: 1 });
      assert.equal(spilled.status, 200, spilled.text);
      assertProblem(await run({ execution, memory: { ...memory, spill_limit_bytes: 0 } }, sql), {
        status: 422,
        code: "memory_exceeded",
      });
    });

    it("without an information schema nothing is shown", async () => {
      const profile = { catalog: { information_schema: false } };
      assert.equal((await run(profile, "SHOW TABLES")).status, 422);
      assert.equal((await run(profile, "SELECT * FROM information_schema.tables")).status, 422);
      assert.equal((await run({}, "SHOW TABLES")).status, 200);
    });

    it("sql limits let less in, also of what others sent before", async () => {
      const sql = `SELECT ${Array.from({ length: 200 }, (_, n) => n).join(" + ")} AS sum`;
      assert.equal((await run({}, sql)).status, 200);
      const restricted = assertProblem(await run({ sql: { policy: "restricted" } }, sql), {
        status: 422,
        code: "statement_too_complex",
      });
      assert.equal(restricted.details?.maximum, 128);
      assert.equal((await run({ sql: { policy: "restricted", sql_chain: 300 } }, sql)).status, 200);
      const tokens = assertProblem(await run({ sql: { sql_tokens: 10 } }, sql), {
        status: 422,
        code: "statement_too_complex",
      });
      assert.equal(tokens.details?.limit, "sql_tokens");
      assertProblem(await run({ sql: { parameters: 0 } }, "SELECT $1 AS a", { parameters: [1] }), {
        status: 422,
        code: "statement_too_complex",
      });
    });

    it("cache.use says what is done with kept results", async () => {
      const sql = "SELECT count(*) AS cached_once FROM stocks";
      assert.equal((await run({}, sql)).as<QueryAnswer>().cache?.status, "miss");
      assert.equal((await run({}, sql)).as<QueryAnswer>().cache?.status, "hit");
      assert.equal((await run({ cache: { use: "bypass" } }, sql)).as<QueryAnswer>().cache?.status, "bypass");
      assert.equal((await run({ cache: { use: "refresh" } }, sql)).as<QueryAnswer>().cache?.status, "refresh");
    });

    it("strict functions refuse macros, in queries and in operations", async () => {
      const macro = { parameters: [{ name: "x" }], expression: "x + 1" };
      const defined = await server.client.sendJson("/v1/functions/next_of", macro, { method: "PUT" });
      assert.equal(defined.status, 201, defined.text);
      const sql = "SELECT next_of(1) AS two";
      assert.equal((await run({}, sql)).status, 200);
      const refused = await run({ functions: { policy: "strict" } }, sql);
      assertProblem(refused, { status: 403, code: "statement_not_allowed", detail: /strict/ });
      assert.equal((await run({ functions: { policy: "strict" } }, "SELECT abs(1)")).status, 200);
      const { session_id } = await create({ profile: { functions: { policy: "strict" } } });
      const written = await server.client.sendJson(`/v1/tables/stocks/delete?session_id=${session_id}`, {
        predicate: "next_of(price) < 0",
      });
      assertProblem(written, { status: 403, code: "statement_not_allowed", detail: /strict/ });
    });

    it("delta.gate and delta.support are held against tables", async () => {
      const sql = "SELECT count(*) AS n FROM stocks";
      const gate = { min_reader_version: 3 };
      assertProblem(await run({ delta: { gate } }, sql), { status: 412, code: "gate_failed" });
      const support = { max_reader_version: 0, max_writer_version: 0 };
      const refused = await run({ delta: { support } }, sql);
      assertProblem(refused, { status: 422, code: "table_unsupported", detail: /support of the session/ });
      assert.equal((await run({ delta: { support, protocol_mode: "warn" } }, sql)).status, 200);
      assert.equal((await run({ delta: { support, protocol_mode: "ignore" } }, sql)).status, 200);
      const warned = await explain({ delta: { support, protocol_mode: "warn" } }, sql);
      assert.match(warned.warnings?.join() ?? "", /'stocks'.*doesn't cover/);
      assert.deepEqual((await explain({ delta: { support, protocol_mode: "ignore" } }, sql)).warnings, []);
      const covered = { max_reader_version: 3, max_writer_version: 7 };
      assert.equal((await run({ delta: { support: covered } }, sql)).status, 200);
    });

    it("overrides change results and their keys", async () => {
      const sql = "SELECT n FROM (VALUES (1), (NULL)) AS v(n) ORDER BY n";
      const first = (await run({}, sql)).as<QueryAnswer>();
      const overrides = { "datafusion.sql_parser.default_null_ordering": "nulls_min" };
      const other = (await run({ overrides }, sql)).as<QueryAnswer>();
      assert.deepEqual(
        [first.data, other.data],
        [
          [{ n: 1 }, { n: null }],
          [{ n: null }, { n: 1 }],
        ],
      );
      assert.notEqual(first.cache?.key, other.cache?.key);
      const partitions = (await run({ execution: { target_partitions: 7 } }, sql)).as<QueryAnswer>();
      assert.equal(partitions.cache?.key, first.cache?.key);
      const decimal = { "datafusion.sql_parser.parse_float_as_decimal": "true" };
      const typed = await run({ overrides: decimal }, "SELECT arrow_typeof(1.5) AS type");
      assert.match(typed.text, /Decimal128\(2, 1\)/);
      const recursive = "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT * FROM t";
      assert.equal((await run({}, recursive)).status, 200);
      const without = { "datafusion.execution.enable_recursive_ctes": "false" };
      assertProblem(await run({ overrides: without }, recursive), { status: 422, code: "invalid_query" });
    });

    it("explain settings show more in EXPLAIN", async () => {
      const sql = "EXPLAIN SELECT count(*) FROM stocks WHERE price > 1";
      const shown = async (overrides: Record<string, string>) => (await run({ overrides }, sql)).text;
      assert.match(await shown({ "datafusion.explain.show_schema": "true" }), /schema=/);
      assert.match(await shown({ "datafusion.explain.show_statistics": "true" }), /statistics=/);
      assert.doesNotMatch(await shown({}), /schema=|statistics=/);
    });

    it("default_filter_selectivity shows in EXPLAIN", async () => {
      const shown = async (sql: string, overrides: Record<string, string> = {}) => (await run({ overrides }, sql)).text;
      const filtered = "EXPLAIN SELECT * FROM airports WHERE name LIKE '%field%'";
      const rowsLeft = async (selectivity: string) => {
        const overrides = {
          "datafusion.explain.show_statistics": "true",
          "datafusion.optimizer.default_filter_selectivity": selectivity,
        };
        return Number(/FilterExec.*?Rows=Inexact\((\d+)\)/.exec(await shown(filtered, overrides))?.[1]);
      };
      assert.ok((await rowsLeft("10")) * 2 < (await rowsLeft("90")));
    });

    it("sql limits hold for bytes, depth and the time of planning", async () => {
      const limited = async (sql: SessionProfile["sql"], statement: string) =>
        assertProblem(await run({ sql }, statement), { status: 422, code: "statement_too_complex" }).details?.limit;
      assert.equal(await limited({ sql_bytes: 20 }, "SELECT 1 AS a_name_that_is_long"), "sql_bytes");
      assert.equal(await limited({ sql_depth: 4 }, "SELECT ((((((1)))))) AS one"), "sql_depth");
      const wide = `SELECT ${Array.from({ length: 3000 }, (_, n) => `${n} + 1 AS c${n}`).join(", ")}`;
      assert.equal((await run({}, wide)).status, 200);
      const other = wide.replace("c0", "d0");
      assertProblem(await run({ sql: { planning_timeout_ms: 1 } }, other), { status: 504, code: "planning_timeout" });
    });

    it("refuses what there isn't, with the closest name", async () => {
      const wrong: [SessionProfile, RegExp][] = [
        [{ features: { join_reorder: true } }, /Did you mean 'join_reordering'/],
        [{ features: { zzz: true } }, /There are dynamic_filters, /],
        [
          { overrides: { "datafusion.sql_parser.default_null_order": "nulls_min" } },
          /Did you mean 'datafusion.sql_parser.default_null_ordering'/,
        ],
        [{ overrides: { "datafusion.catalog.location": "/" } }, /There is no setting/],
        [{ overrides: { "datafusion.sql_parser.parse_float_as_decimal": "perhaps" } }, /'perhaps' is no value/],
        [{ memory: { spill_limit_bytes: 2 ** 52 } }, /at most/],
        [{ sql: { sql_tokens: 2 ** 40 } }, /at most/],
      ];
      for (const [profile, detail] of wrong) {
        assertProblem(await server.client.sendJson("/v1/sessions", { profile }), {
          status: 400,
          code: "invalid_request",
          detail,
        });
      }
      const slip = assertProblem(
        await server.client.sendJson("/v1/sessions", { profile: { execution: { repartition_join: false } } }),
        { status: 400, code: "invalid_request" },
      );
      assert.match(slip.errors?.[0]?.message ?? "", /did you mean repartition_joins\?/i);
    });

    it("says what becomes of broken contracts", async () => {
      assert.equal((await create({})).profile.schema_validation, "enforce");
      assert.equal((await create({ profile: { schema_validation: "warn" } })).profile.schema_validation, "warn");
    });
  });

  it("keeps sessions over a restart, as long as they have to live", async () => {
    const state = temporaryFolder();
    let other = await startServer({ state });
    const opened = async (request: object) =>
      (await other.client.sendJson("/v1/sessions", request)).as<SessionDescription>();
    const lasting = await opened({ profile: { base: "low-memory", defaults: { row_limit: 2 } }, ttl_seconds: 600 });
    const short = await opened({ ttl_seconds: 1 });
    const closed = await opened({});
    assert.equal((await other.client.send(path(closed), { method: "DELETE" })).status, 204);
    await pause(1100);
    await other.stop();
    other = await startServer({ state });
    try {
      assert.deepEqual((await other.client.send(path(lasting))).as<SessionDescription>(), lasting);
      const { session_id } = lasting;
      const answer = (await other.client.query({ sql: "SELECT * FROM stocks", session_id })).as<QueryAnswer>();
      assert.equal(answer.row_count, 2);
      for (const gone of [short, closed]) {
        assertProblem(await other.client.send(path(gone)), { status: 404, code: "session_not_found" });
      }
      const { items } = (await other.client.send("/v1/sessions")).as<SessionList>();
      assert.deepEqual(
        items.map(({ session_id }) => session_id),
        [session_id],
      );
      assert.deepEqual(readdirSync(join(state, "sessions")), [`${session_id}.json`]);
    } finally {
      await other.stop();
      rmSync(state, { recursive: true });
    }
  });

  it("takes results as old as it says", async () => {
    const [warehouse, state] = [temporaryFolder(), temporaryFolder()];
    const other = await startServer({ warehouse, state });
    try {
      const table = await new Writing(() => other.client).table();
      const opened = await other.client.sendJson("/v1/sessions", { profile: { cache: { max_age_seconds: 3600 } } });
      const { session_id } = opened.as<SessionDescription>();
      const count = async (request: object) => {
        const answer = await other.client.query({ sql: `SELECT count(*) AS n FROM ${table}`, ...request });
        return answer.as<QueryAnswer>().data;
      };
      assert.deepEqual(await count({ session_id }), [{ n: 3 }]);
      const written = await other.client.sendJson(`/v1/tables/${table}/rows`, [{ id: 4, origin: "SEA", delay: 0 }]);
      assert.equal(written.status, 200, written.text);
      assert.deepEqual([await count({ session_id }), await count({})], [[{ n: 3 }], [{ n: 4 }]]);
      assert.deepEqual(await count({ session_id, cache: { max_age_seconds: 0 } }), [{ n: 4 }]);
    } finally {
      await other.stop();
      for (const folder of [warehouse, state]) rmSync(folder, { recursive: true });
    }
  });

  it("remembers on disk that a session was used, once a tenth of its time has passed", async () => {
    const state = temporaryFolder();
    const other = await startServer({ state });
    try {
      const opened = await other.client.sendJson("/v1/sessions", { ttl_seconds: 5 });
      const { session_id, expires_at } = opened.as<SessionDescription>();
      const file = join(state, "sessions", `${session_id}.json`);
      const saved = () => (JSON.parse(readFileSync(file, "utf8")) as { expires_at: string }).expires_at;
      await other.client.query({ sql: "SELECT 1", session_id });
      assert.equal(saved(), expires_at);
      await pause(700);
      await other.client.query({ sql: "SELECT 1", session_id });
      while (saved() === expires_at) await pause(10);
      assert.ok(saved() > expires_at);
    } finally {
      await other.stop();
      rmSync(state, { recursive: true });
    }
  });
});
