/** /v1/parameter-tables: registering them, sending values, and reading these in SQL. */
import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Table, tableToIPC, vectorFromArray } from "apache-arrow";
import { encode } from "../../engine/codec.js";
import type {
  ExplainAnswer,
  ParameterTableEntry,
  ParameterTableList,
  ParameterValues,
  QueryAnswer,
  SessionDescription,
} from "../../schemas/generated/index.js";
import type { Answer } from "../fixture/client.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { rowTypes, Writing } from "../fixture/writing.js";

const iata = { name: "iata", dtype: "Utf8", nullable: false };
const weight = { name: "weight", dtype: "Int32" };

describe("parameter tables", () => {
  let server: TestServer;
  const warehouse = temporaryFolder();
  const state = temporaryFolder();
  const writing = new Writing(() => server.client);

  before(async () => {
    server = await startServer({ warehouse, state });
    await writing.rows(
      "trips",
      [
        { id: 1, origin: "SEA" },
        { id: 2, origin: "PDX" },
        { id: 3, origin: "SEA" },
        { id: 4, origin: "LAX" },
        { id: 5, origin: null },
      ],
      "mode=create",
    );
  });
  after(async () => {
    await server.stop();
    for (const folder of [warehouse, state]) rmSync(folder, { recursive: true });
  });

  const put = (name: string, table: unknown, headers: Record<string, string> = {}) =>
    server.client.sendJson(`/v1/parameter-tables/${name}`, table, { method: "PUT", headers });
  const register = async (name: string, table: object = {}): Promise<void> => {
    const answer = await put(name, { key_column: "iata", columns: [iata], ...table });
    assert.equal(answer.status, 201, answer.text);
  };
  const sendAs = (name: string, type: string, body: string | Uint8Array, selection = ""): Promise<Answer> =>
    server.client.send(`/v1/parameter-tables/${name}/values?${selection}`, {
      method: "POST",
      headers: { "content-type": type },
      body,
    });
  const taken = (answer: Answer): ParameterValues => {
    assert.equal(answer.status, 200, answer.text);
    return answer.as<ParameterValues>();
  };
  const send = async (name: string, rows: unknown[], selection = ""): Promise<ParameterValues> =>
    taken(await sendAs(name, rowTypes.json, JSON.stringify(rows), selection));
  const keys = (...names: string[]) => names.map((iata) => ({ iata }));
  const artifacts = () => readdirSync(join(state, "parameters"));
  const joined = async (name: string, more: object = {}): Promise<unknown[]> => {
    const sql = `SELECT id FROM trips JOIN ${name} ON origin = iata ORDER BY id`;
    const rows = (await server.client.rows({ sql, ...more })) as { id: number }[];
    return rows.map(({ id }) => id);
  };

  describe("the registry", () => {
    it("registers, shows, lists and forgets a table under conditions", async () => {
      await register("kept");
      const shown = await server.client.send("/v1/parameter-tables/kept");
      const { table, values } = shown.as<ParameterTableEntry>();
      assert.deepEqual([table.key_column, table.empty_semantics, values], ["iata", "none", null]);
      const list = (await server.client.send("/v1/parameter-tables?limit=1")).as<ParameterTableList>();
      assert.deepEqual(
        list.items.map(({ name }) => name),
        ["kept"],
      );
      const tag = shown.headers.get("etag") ?? "";
      await send("kept", keys("SEA"), "scope=rule");
      const late = await put("kept", { key_column: "iata", columns: [iata] }, { "if-match": tag });
      assertProblem(late, { status: 412, code: "precondition_failed" });
      assert.deepEqual(await joined("kept"), [1, 3]);
      assert.equal((await server.client.send("/v1/parameter-tables/kept", { method: "DELETE" })).status, 204);
      const gone = await server.client.query("SELECT * FROM kept");
      assertProblem(gone, { status: 422, code: "unknown_table" });
    });

    it("lists every fault at once", async () => {
      const answer = await put("wrong", {
        key_column: "iatta",
        columns: [iata, { name: "iata", dtype: "List(Utf8)" }, { name: "", dtype: "Int65" }],
        empty_semantics: "all",
      });
      const problem = assertProblem(answer, { status: 422, code: "invalid_entry" });
      assert.deepEqual(problem.errors?.map(({ pointer }) => pointer).sort(), [
        "/all_from",
        "/columns/1/dtype",
        "/columns/1/name",
        "/columns/2/dtype",
        "/columns/2/name",
        "/key_column",
      ]);
    });

    it("leaves names alone that tables and views have", async () => {
      const table = { key_column: "iata", columns: [iata] };
      assertProblem(await put("trips", table), { status: 409, code: "name_taken" });
      await server.client.sendJson("/v1/views/seen", { sql: "SELECT 1 AS one" }, { method: "PUT" });
      assertProblem(await put("seen", table), { status: 409, code: "name_taken" });
      await register("valued");
      const view = await server.client.sendJson("/v1/views/valued", { sql: "SELECT 1 AS one" }, { method: "PUT" });
      assertProblem(view, { status: 409, code: "name_taken" });
    });
  });

  describe("values", () => {
    it("have one signature and one file in any order and format", async () => {
      await register("same", { columns: [iata, weight] });
      const rows = [
        { iata: "SEA", weight: 2 },
        { iata: "PDX", weight: null },
        { iata: "LAX", weight: -1 },
      ];
      const { signature, rows: count } = await send("same", rows);
      assert.deepEqual([count, /^[0-9a-f]{64}$/.test(signature)], [3, true]);
      const files = artifacts();
      const arrow = new Table({
        weight: vectorFromArray([-1n, 2n, null]),
        iata: vectorFromArray(["LAX", "SEA", "PDX"]),
      });
      const bodies: [string, string | Uint8Array][] = [
        [rowTypes.json, JSON.stringify([...rows].reverse())],
        [rowTypes.ndjson, rows.map((row) => JSON.stringify(row)).join("\n")],
        [rowTypes.csv, "weight,iata\n,PDX\n2,SEA\n-1,LAX\n"],
        [rowTypes.arrow, tableToIPC(arrow, "stream")],
        [rowTypes.msgpack, encode(rows)],
      ];
      for (const [type, body] of bodies)
        assert.deepEqual(taken(await sendAs("same", type, body)), { signature, rows: 3, scope: "run" }, type);
      assert.deepEqual(artifacts(), files);
      const other = await send("same", [...rows.slice(1), { iata: "SEA", weight: 3 }]);
      assert.notEqual(other.signature, signature);
    });

    it("count once where they are distinct, and as often as they come where they aren't", async () => {
      const rows = keys("SEA", "PDX", "SEA");
      await register("once", { distinct: true });
      await register("often");
      const [once, often] = [await send("once", rows), await send("often", rows)];
      assert.deepEqual([once.rows, often.rows], [2, 3]);
      assert.equal(once.signature, (await send("once", keys("PDX", "SEA"))).signature);
      const count = async (name: string, signature: string) =>
        server.client.rows({ sql: `SELECT count(*) AS n FROM ${name}`, parameter_tables: { [name]: signature } });
      assert.deepEqual(await count("often", often.signature), [{ n: 3 }]);
    });

    it("are refused where they do not fit, and leave nothing", async () => {
      await register("fitting", { columns: [iata, weight] });
      const before = artifacts();
      const refused = async (rows: unknown, code: "invalid_rows" | "constraint_violated", detail: RegExp) =>
        assertProblem(await sendAs("fitting", rowTypes.json, JSON.stringify(rows)), { status: 422, code, detail });
      await refused([{ iata: "SEA", wieght: 1 }], "invalid_rows", /wieght/);
      await refused([{ iata: "SEA", weight: "much" }], "invalid_rows", /weight/);
      await refused([{ iata: "SEA", weight: 3_000_000_000 }], "invalid_rows", /weight|3000000000/);
      await refused([{ weight: 1 }, { iata: "SEA" }], "constraint_violated", /iata not null \(1 row\)/);
      assert.deepEqual(artifacts(), before);
      const nowhere = await sendAs("nowhere", rowTypes.json, "[]");
      assertProblem(nowhere, { status: 404, code: "parameter_table_not_found" });
    });
  });

  describe("scopes", () => {
    it("let a request's values go before a session's, and these before the rule's", async () => {
      await register("scoped");
      const session = (await server.client.sendJson("/v1/sessions", {})).as<SessionDescription>();
      const { session_id } = session;
      assert.deepEqual(await joined("scoped"), []);
      await send("scoped", keys("SEA"), "scope=rule");
      assert.deepEqual(
        [await joined("scoped"), await joined("scoped", { session_id })],
        [
          [1, 3],
          [1, 3],
        ],
      );
      await send("scoped", keys("PDX"), `scope=session&session_id=${session_id}`);
      assert.deepEqual([await joined("scoped"), await joined("scoped", { session_id })], [[1, 3], [2]]);
      const { signature } = await send("scoped", keys("LAX"));
      const parameter_tables = { scoped: signature };
      assert.deepEqual(await joined("scoped", { session_id, parameter_tables }), [4]);
      assert.deepEqual([await joined("scoped"), await joined("scoped", { session_id })], [[1, 3], [2]]);
    });

    it("keep those of a rule over a restart", async () => {
      await register("lasting");
      await send("lasting", keys("SEA", "LAX"), "scope=rule");
      await server.stop();
      server = await startServer({ warehouse, state });
      assert.deepEqual(await joined("lasting"), [1, 3, 4]);
    });

    it("need a session where it is one's, and a signature that there is", async () => {
      await register("strict_scope");
      const body = JSON.stringify(keys("SEA"));
      const sent = (selection: string) => sendAs("strict_scope", rowTypes.json, body, selection);
      assertProblem(await sent("scope=session"), { status: 400, code: "invalid_request" });
      assertProblem(await sent("session_id=none"), { status: 400, code: "invalid_request" });
      assertProblem(await sent("scope=session&session_id=none"), { status: 404, code: "session_not_found" });
      const sql = "SELECT * FROM strict_scope";
      for (const signature of ["0".repeat(64), "../../tables", "x"]) {
        const answer = await server.client.query({ sql, parameter_tables: { strict_scope: signature } });
        assertProblem(answer, { status: 404, code: "parameter_table_not_found" });
      }
      const unknown = await server.client.query({ sql: "SELECT 1", parameter_tables: { nowhere: "0".repeat(64) } });
      assertProblem(unknown, { status: 404, code: "parameter_table_not_found" });
    });
  });

  describe("without values", () => {
    it("hold no rows, or are refused by their name", async () => {
      await register("nothing");
      await register("needed", { empty_semantics: "error" });
      assert.deepEqual(await joined("nothing"), []);
      const sql = "SELECT iata FROM needed";
      const refused = async (more: object = {}) =>
        assertProblem(await server.client.query({ sql, ...more }), {
          status: 422,
          code: "parameter_missing",
          detail: /needed/,
        });
      await refused();
      await refused({ cache: { no_store: true } });
      const { signature, rows } = await send("needed", []);
      assert.equal(rows, 0);
      await refused({ parameter_tables: { needed: signature } });
      assert.deepEqual(await server.client.rows("SELECT 'needed' AS word"), [{ word: "needed" }]);
      await send("needed", keys("SEA"), "scope=rule");
      assert.deepEqual(await joined("needed"), [1, 3]);
    });

    it("hold every key of a relation, as it is", async () => {
      await register("every", {
        columns: [iata, weight],
        empty_semantics: "all",
        all_from: { relation: "trips", column: "origin" },
      });
      const all = () => server.client.rows("SELECT * FROM every ORDER BY iata");
      const of = (...names: string[]) => names.map((iata) => ({ iata, weight: null }));
      assert.deepEqual(await all(), of("LAX", "PDX", "SEA"));
      await writing.rows("trips", [{ id: 6, origin: "BOS" }]);
      assert.deepEqual(await all(), of("BOS", "LAX", "PDX", "SEA"));
      await send("every", [{ iata: "SEA", weight: 1 }], "scope=rule");
      assert.deepEqual(await all(), [{ iata: "SEA", weight: 1 }]);
      await send("every", [], "scope=rule");
      assert.deepEqual(await all(), of("BOS", "LAX", "PDX", "SEA"));
    });
  });

  it("are read by views, which follow their values and hold on to them", async () => {
    await register("viewed");
    const sql = "SELECT id FROM trips JOIN viewed ON origin = iata";
    const view = await server.client.sendJson("/v1/views/wanted_trips", { sql }, { method: "PUT" });
    assert.equal(view.status, 201, view.text);
    const ids = () => server.client.rows("SELECT id FROM wanted_trips ORDER BY id");
    assert.deepEqual(await ids(), []);
    await send("viewed", keys("PDX"), "scope=rule");
    assert.deepEqual(await ids(), [{ id: 2 }]);
    const { signature } = await send("viewed", keys("LAX"));
    const chosen = { sql: "SELECT id FROM wanted_trips", parameter_tables: { viewed: signature } };
    assert.deepEqual(await server.client.rows(chosen), [{ id: 4 }]);
    const given = `parameter_tables=${encodeURIComponent(JSON.stringify({ viewed: signature }))}`;
    const chosenRows = await server.client.send(`/v1/views/wanted_trips/rows?format=csv&${given}`);
    assert.equal(chosenRows.text, "id\r\n4\r\n");
    assert.equal((await server.client.send("/v1/views/wanted_trips/rows?format=csv")).text, "id\r\n2\r\n");
    const explain = async (more: object) => {
      const request = { sql: "SELECT id FROM trips JOIN viewed ON origin = iata", ...more };
      const answer = await server.client.sendJson("/v1/queries/explain", { ...request, analyze: true });
      assert.equal(answer.status, 200, answer.text);
      return answer.as<ExplainAnswer>();
    };
    const [rule, own] = [await explain({}), await explain({ parameter_tables: { viewed: signature } })];
    assert.notEqual(own.cache_key, rule.cache_key);
    const asked = await server.client.query({ sql, parameter_tables: { viewed: signature } });
    assert.equal(asked.as<QueryAnswer>().cache?.key, own.cache_key);
    const unknown = { sql, parameter_tables: { viewed: "0".repeat(64) } };
    assertProblem(await server.client.sendJson("/v1/queries/explain", unknown), {
      status: 404,
      code: "parameter_table_not_found",
    });
    const remove = (path: string) => server.client.send(path, { method: "DELETE" });
    const problem = assertProblem(await remove("/v1/parameter-tables/viewed"), { status: 409, code: "entry_in_use" });
    assert.deepEqual(problem.details?.views, ["wanted_trips"]);
    assert.equal((await remove("/v1/views/wanted_trips")).status, 204);
    assert.equal((await remove("/v1/parameter-tables/viewed")).status, 204);
  });

  it("stay with their session over a restart", async () => {
    await register("of_session");
    const { session_id } = (await server.client.sendJson("/v1/sessions", {})).as<SessionDescription>();
    await send("of_session", keys("PDX"), `scope=session&session_id=${session_id}`);
    await server.stop();
    server = await startServer({ warehouse, state });
    assert.deepEqual([await joined("of_session"), await joined("of_session", { session_id })], [[], [2]]);
    await server.client.send("/v1/parameter-tables/of_session", { method: "DELETE" });
    await register("of_session");
    assert.deepEqual(await joined("of_session", { session_id }), []);
  });

  it("answers from what is kept for equal values only", async () => {
    await register("cached");
    const ask = async (more: object = {}) =>
      (await server.client.query({ sql: "SELECT iata FROM cached ORDER BY iata", ...more })).as<QueryAnswer>();
    await send("cached", keys("SEA"), "scope=rule");
    await ask();
    assert.equal((await ask()).cache.status, "hit");
    await send("cached", keys("PDX"), "scope=rule");
    const changed = await ask();
    assert.deepEqual([changed.data, changed.cache.status === "hit"], [[{ iata: "PDX" }], false]);
    const { signature } = await send("cached", keys("SEA"));
    const again = await ask({ parameter_tables: { cached: signature } });
    assert.deepEqual([again.data, again.cache.status], [[{ iata: "SEA" }], "hit"]);
    const parameter_tables = JSON.stringify({ cached: signature });
    const url = new URLSearchParams({ sql: "SELECT iata FROM cached", format: "csv", parameter_tables });
    assert.equal((await server.client.send(`/v1/query?${url}`)).text, "iata\r\nSEA\r\n");
  });

  it("takes a million values", async () => {
    await register("many", { columns: [{ name: "iata", dtype: "Int64" }], distinct: true });
    const count = 1_000_000;
    // Every value twice, in an order that isn't theirs.
    const values = Array.from({ length: 2 * count }, (_, index) => (index * 7919) % count);
    const { rows, signature } = taken(await sendAs("many", rowTypes.csv, `iata\n${values.join("\n")}\n`));
    assert.equal(rows, count);
    const sql = "SELECT count(*) AS n, min(iata) AS low, max(iata) AS high FROM many";
    const found = await server.client.rows({ sql, parameter_tables: { many: signature } });
    assert.deepEqual(found, [{ n: count, low: 0, high: count - 1 }]);
  });
});
