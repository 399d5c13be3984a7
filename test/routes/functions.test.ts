/** /v1/functions: what SQL can call, and macros as functions of one's own. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { hashMsgpackCanonical } from "../../engine/hashing.js";
import type {
  FunctionDefinition,
  FunctionInfo,
  FunctionList,
  QueryAnswer,
  RegistrySnapshot,
  RestoreReport,
  TableDescription,
} from "../../schemas/generated/index.js";
import type { Answer } from "../fixture/client.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { Writing } from "../fixture/writing.js";

const own = [
  "casefold",
  "cdf_change_rank",
  "cdf_is_delete",
  "cdf_is_upsert",
  "collapse_whitespace",
  "json_as_text",
  "json_contains",
  "json_from_scalar",
  "json_get",
  "json_get_array",
  "json_get_bool",
  "json_get_float",
  "json_get_int",
  "json_get_str",
  "json_length",
  "json_object_keys",
  "list_duplicates",
  "map_contains_key",
  "map_get",
  "normalize_text",
  "stable_hash64",
  "stable_id",
  "unicode_normalize",
];

describe("functions", () => {
  let server: TestServer;
  const warehouse = temporaryFolder();
  const state = temporaryFolder();

  before(async () => {
    server = await startServer({ warehouse, state });
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true });
    rmSync(state, { recursive: true });
  });

  const list = async (selection = ""): Promise<FunctionInfo[]> => {
    const all: FunctionInfo[] = [];
    for (let path: string | undefined = `/v1/functions?limit=1000${selection}`; path; ) {
      const answer: Answer = await server.client.send(path);
      assert.equal(answer.status, 200, answer.text);
      const { items, next_cursor } = answer.as<FunctionList>();
      all.push(...items);
      path = next_cursor ? `/v1/functions?limit=1000${selection}&cursor=${next_cursor}` : undefined;
    }
    return all;
  };
  const define = (name: string, definition: FunctionDefinition, headers = {}) =>
    server.client.sendJson(`/v1/functions/${name}`, definition, { method: "PUT", headers });
  const defined = async (name: string, definition: FunctionDefinition) => {
    const answer = await define(name, definition);
    assert.ok(answer.status === 201 || answer.status === 200, answer.text);
    return answer;
  };
  const remove = (name: string) => server.client.send(`/v1/functions/${name}`, { method: "DELETE" });

  describe("built in", () => {
    it("are listed with what they take, give and mean", async () => {
      const all = await list();
      const kinds = new Set(all.map(({ kind }) => kind));
      assert.deepEqual([...kinds].sort(), ["aggregate", "scalar", "table", "window"]);
      const abs = all.find(({ name }) => name === "abs");
      assert.equal(abs?.volatility, "immutable");
      assert.match(abs?.documentation?.description ?? "", /absolute value/);
      const length = all.find(({ name }) => name === "character_length");
      assert.ok(length?.aliases?.includes("length"));
      assert.ok(length?.signatures?.some((signature) => signature.arguments[0]?.type === "Utf8"));
      assert.equal(all.find(({ name }) => name === "random")?.volatility, "volatile");
      assert.deepEqual(
        all.filter(({ examples = [] }) => examples.length > 0).map(({ name }) => name),
        own,
      );
    });

    it("are found by kind and by text, a page at a time", async () => {
      const windows = await list("&kind=window");
      assert.ok(windows.length > 5 && windows.every(({ kind }) => kind === "window"));
      const json = await list("&text=JSON");
      assert.ok(json.some(({ name }) => name === "json_get") && json.length < 40);
      const first = (await server.client.send("/v1/functions?limit=2")).as<FunctionList>();
      const second = await server.client.send(`/v1/functions?limit=2&cursor=${first.next_cursor}`);
      const names = [...first.items, ...second.as<FunctionList>().items].map(({ name }) => name);
      assert.deepEqual(
        names,
        (await list()).slice(0, 4).map(({ name }) => name),
      );
    });

    it("are shown by name, alias and kind, with an ETag", async () => {
      const answer = await server.client.send("/v1/functions/length");
      assert.equal(answer.as<FunctionInfo>().name, "character_length");
      const headers = { "if-none-match": answer.headers.get("etag") ?? "" };
      assert.equal((await server.client.send("/v1/functions/length", { headers })).status, 304);
      const window = await server.client.send("/v1/functions/first_value?kind=window");
      assert.equal(window.as<FunctionInfo>().kind, "window");
      assertProblem(await server.client.send("/v1/functions/no_such"), { status: 404, code: "function_not_found" });
      assertProblem(await server.client.send("/v1/functions/abs?kind=window"), {
        status: 404,
        code: "function_not_found",
      });
    });

    for (const name of own) {
      it(`${name} gives what its examples show`, async () => {
        const info = (await server.client.send(`/v1/functions/${name}`)).as<FunctionInfo>();
        assert.ok(info.documentation?.arguments?.length, "every argument is explained");
        for (const { sql, rows } of info.examples ?? []) assert.deepEqual(await server.client.rows(sql), rows, sql);
      });
    }

    it("hash as any language can", async () => {
      const [row] = await server.client.rows("SELECT stable_id('flight', 'SEA', 12, NULL, true, 1.5, x'00ff') AS id");
      const parts = ["SEA", 12, null, true, 1.5, new Uint8Array([0, 255])];
      assert.equal((row as { id: string }).id, `flight_${hashMsgpackCanonical(parts).slice(0, 32)}`);
    });

    it("work on columns, nulls and odd values as on constants", async () => {
      const json = await server.client.rows(
        `SELECT j, j -> 'a' AS inner_json, j ->> 'a' AS text, json_get_int(j, 'a') AS int, json_contains(j, 'a') AS has
         FROM (VALUES ('{"a": 1}'), ('{"a": "x"}'), ('{"b": {"a": 2}}'), ('no json'), (NULL)) AS v(j)`,
      );
      assert.deepEqual(
        json.map((row) => Object.values(row).slice(1)),
        [
          ["1", "1", 1, true],
          ['"x"', "x", null, true],
          [null, null, null, false],
          [null, null, null, false],
          [null, null, null, null],
        ],
      );
      const maps = await server.client.rows(
        "SELECT k, map_get(m, k) AS value FROM (SELECT MAP {'a': 1, 'b': NULL} AS m) CROSS JOIN (VALUES ('a'), ('b'), ('c'), (NULL)) AS v(k) ORDER BY k",
      );
      assert.deepEqual(
        maps.map((row) => Object.values(row)),
        [
          ["a", 1],
          ["b", null],
          ["c", null],
          [null, null],
        ],
      );
      const lists = await server.client.rows(
        "SELECT list_duplicates(l) AS twice FROM (VALUES (['a', 'b', 'a', NULL, NULL]), (['a']), (NULL)) AS v(l)",
      );
      assert.deepEqual(lists, [{ twice: ["a", null] }, { twice: [] }, { twice: null }]);
    });

    it("say what is wrong with an argument", async () => {
      const wrong = [
        "SELECT unicode_normalize(a, 'NFX') FROM (VALUES ('a')) AS v(a)",
        "SELECT cdf_is_delete(a) FROM (VALUES ('removed')) AS v(a)",
        "SELECT stable_hash64([1, 2])",
        "SELECT map_get(1, 2)",
      ];
      for (const sql of wrong) {
        const answer = await server.client.query(sql);
        assert.equal(answer.status, 422, `${sql}: ${answer.text}`);
      }
    });
  });

  describe("macros", () => {
    const punctuality = {
      parameters: [{ name: "minutes" }, { name: "late", default: "15" }],
      expression: "CASE WHEN minutes > late THEN 'late' ELSE 'on time' END",
      description: "Says whether a delay counts.",
    };

    it("are defined, shown, changed under conditions and removed", async () => {
      const made = await define("punctuality", punctuality, { "if-none-match": "*" });
      assert.equal(made.status, 201, made.text);
      assert.equal(made.headers.get("location"), "/v1/functions/punctuality");
      const info = (await server.client.send("/v1/functions/punctuality")).as<FunctionInfo>();
      assert.deepEqual([info.kind, info.documentation?.syntax], ["macro", "punctuality(minutes, late => 15)"]);
      assert.deepEqual(
        (await list("&kind=macro")).map(({ name }) => name),
        ["punctuality"],
      );
      assertProblem(await define("punctuality", punctuality, { "if-none-match": "*" }), {
        status: 412,
        code: "precondition_failed",
      });
      const etag = made.headers.get("etag") ?? "";
      const changed = await define(
        "punctuality",
        { ...punctuality, expression: "minutes > late" },
        { "if-match": etag },
      );
      assert.equal(changed.status, 200, changed.text);
      assert.notEqual(changed.headers.get("etag"), etag);
      assert.equal((await remove("punctuality")).status, 204);
      assertProblem(await remove("punctuality"), { status: 404, code: "function_not_found" });
      assertProblem(await server.client.query("SELECT punctuality(1)"), { status: 422, code: "invalid_query" });
    });

    it("stand for their expression, with arguments by place, by name and by default", async () => {
      await defined("punctuality", punctuality);
      const [row] = await server.client.rows(
        "SELECT punctuality(20) AS a, punctuality(20, 30) AS b, PUNCTUALITY(late => 5 + 5, minutes => 11) AS c",
      );
      assert.deepEqual(row, { a: "late", b: "on time", c: "late" });
    });

    it("keep their arguments together and take columns, aggregates and other macros", async () => {
      await defined("twice", { parameters: [{ name: "x" }], expression: "2 * x" });
      await defined("plain_mean", { parameters: [{ name: "x" }], expression: "sum(x) / count(x)" });
      await defined("four_times", { parameters: [{ name: "x" }], expression: "twice(twice(x))" });
      const [row] = await server.client.rows(
        "SELECT twice(1 + 2) AS a, four_times(max(n)) AS b, plain_mean(twice(n)) AS c FROM (VALUES (1), (3)) AS v(n)",
      );
      assert.deepEqual(row, { a: 6, b: 12, c: 4 });
      await defined("twice", { parameters: [{ name: "x" }], expression: "20 * x" });
      const [changed] = await server.client.rows("SELECT four_times(1) AS b");
      assert.deepEqual(changed, { b: 400 });
    });

    it("reach into structs", async () => {
      await defined("street", { parameters: [{ name: "place" }], expression: "place.street" });
      const [row] = await server.client.rows("SELECT street(p) AS s FROM (SELECT {street: 'Main', number: 1} AS p)");
      assert.deepEqual(row, { s: "Main" });
    });

    it("say how they are called when a call doesn't fit", async () => {
      await defined("punctuality", punctuality);
      const calls: Record<string, RegExp> = {
        "punctuality()": /lacks 'minutes'.*punctuality\(minutes, late => 15\)/,
        "punctuality(1, 2, 3)": /too many arguments/,
        "punctuality(1, minutes => 2)": /'minutes' twice/,
        "punctuality(1, hours => 2)": /no parameter 'hours'/,
        "punctuality(*)": /takes expressions/,
        "punctuality(DISTINCT 1)": /takes expressions/,
      };
      for (const [call, detail] of Object.entries(calls)) {
        const answer = await server.client.query(`SELECT ${call}`);
        assertProblem(answer, { status: 422, code: "invalid_query", detail, location: { line: 1, column: 8 } });
      }
    });

    it("are refused where they can't be", async () => {
      const x = { parameters: [{ name: "x" }] };
      const wrong: [string, FunctionDefinition, number, string, RegExp][] = [
        ["abs", { ...x, expression: "x" }, 409, "name_taken", /built-in/],
        ["m", { ...x, expression: "y + 1" }, 422, "invalid_entry", /'y' is no parameter/],
        ["m", { parameters: [{ name: "delay" }], expression: "dealy" }, 422, "invalid_entry", /Did you mean 'delay'/],
        ["m", { ...x, expression: "no_such(x)" }, 422, "invalid_entry", /no such function/],
        ["m", { ...x, expression: "(SELECT x)" }, 403, "statement_not_allowed", /no query/],
        ["m", { ...x, expression: "x +" }, 422, "invalid_sql", /m: /],
        ["m", { ...x, expression: "$1" }, 422, "invalid_entry", /placeholder/],
        ["m", { parameters: [{ name: "x" }, { name: "x" }], expression: "x" }, 422, "invalid_entry", /another has/],
        [
          "m",
          { parameters: [{ name: "a", default: "1" }, { name: "b" }], expression: "a" },
          422,
          "invalid_entry",
          /default/,
        ],
        ["m", { ...x, expression: "m(x)" }, 422, "cyclic_dependency", /m → m/],
      ];
      for (const [name, definition, status, code, detail] of wrong) {
        assertProblem(await define(name, definition), { status, code: code as "invalid_entry", detail });
      }
      assertProblem(await define("Upper", { expression: "1" }), { status: 400, code: "invalid_request" });
      assertProblem(await server.client.send("/v1/functions/m"), { status: 404, code: "function_not_found" });
    });

    it("are refused in a circle, with the path, and stay as they were", async () => {
      const of = (expression: string) => ({ parameters: [{ name: "x" }], expression });
      await defined("first", of("x"));
      await defined("second", of("first(x)"));
      await defined("third", of("second(x)"));
      const problem = assertProblem(await define("first", of("third(x)")), { status: 422, code: "cyclic_dependency" });
      assert.deepEqual(problem.details?.path, ["first", "third", "second", "first"]);
      assert.deepEqual(await server.client.rows("SELECT third(1) AS one"), [{ one: 1 }]);
      const used = assertProblem(await remove("second"), { status: 409, code: "entry_in_use", detail: /third/ });
      assert.deepEqual(used.details?.used_by, ["third"]);
      assert.deepEqual(await server.client.rows("SELECT third(1) AS one"), [{ one: 1 }]);
    });

    it("are held to the limits when they are written out", async () => {
      const doubled = (inner: string) => ({ parameters: [{ name: "x" }], expression: `${inner} + ${inner}` });
      await defined("grow_0", doubled("x"));
      let largest = 0;
      for (let level = 1; level < 30; level++) {
        const answer = await define(`grow_${level}`, doubled(`grow_${level - 1}(x)`));
        if (answer.status !== 201) {
          assertProblem(answer, { status: 422, code: "statement_too_complex" });
          break;
        }
        largest = level;
      }
      assert.ok(largest < 29, "30 levels would be a billion additions");
      const nested = `SELECT ${`grow_${largest}(`.repeat(8)}1${")".repeat(8)}`;
      assertProblem(await server.client.query(nested), { status: 422, code: "statement_too_complex" });
    });

    it("change what equal queries give, and what is kept of them", async () => {
      const sql = "SELECT answer() AS a";
      const run = async () => (await server.client.query(sql)).as<QueryAnswer>();
      await defined("answer", { expression: "41" });
      const first = await run();
      assert.deepEqual([first.data, first.cache?.status], [[{ a: 41 }], "miss"]);
      assert.equal((await run()).cache?.status, "hit");
      await defined("answer", { expression: "42" });
      const second = await run();
      assert.deepEqual([second.data, second.cache?.status], [[{ a: 42 }], "stale"]);
      assert.notEqual(second.cache?.key, first.cache?.key);
      await defined("answer", { expression: "41" });
      assert.deepEqual((await run()).data, [{ a: 41 }]);
    });

    it("hold in predicates, new values and constraints of tables", async () => {
      const writing = new Writing(() => server.client);
      await defined("punctuality", punctuality);
      await defined("with_reserve", { parameters: [{ name: "delay" }], expression: "coalesce(delay, 0) + 5" });
      const name = await writing.table();
      const updated = await writing.operate(name, "update", {
        updates: { delay: "with_reserve(delay)" },
        predicate: "punctuality(delay, 10) = 'late'",
      });
      assert.equal(updated.status, 200, updated.text);
      assert.deepEqual(await server.client.rows(`SELECT id, delay FROM ${name} ORDER BY id`), [
        { id: 1, delay: 17 },
        { id: 2, delay: null },
        { id: 3, delay: -3 },
      ]);
      const added = await writing.operate(name, "constraints", { constraints: { few: "with_reserve(delay) < 100" } });
      assert.equal(added.status, 200, added.text);
      await defined("with_reserve", { parameters: [{ name: "delay" }], expression: "1000" });
      assert.equal((await writing.rows(name, [{ id: 4, origin: "SEA", delay: 1 }])).status, 200);
      assertProblem(await writing.rows(name, [{ id: 5, origin: "SEA", delay: 99 }]), {
        status: 422,
        code: "constraint_violated",
        detail: /few/,
      });
      const { properties } = (await server.client.send(`/v1/tables/${name}`)).as<TableDescription>();
      assert.match(properties["delta.constraints.few"] ?? "", /delay.* \+ 5 < 100/);
      const deleted = await writing.operate(name, "delete", { predicate: "punctuality(delay) = 'late'" });
      assert.equal(deleted.status, 200, deleted.text);
      assert.equal((await server.client.rows(`SELECT * FROM ${name}`)).length, 3);
    });

    it("stay while others call them, which are named", async () => {
      const used = { parameters: [{ name: "x" }], expression: "x * 2" };
      assert.equal((await define("doubled_for_all", used)).status, 201);
      const table = await new Writing(() => server.client).table();
      const send = (path: string, body: object) => server.client.sendJson(path, body, { method: "PUT" });
      const gone = () => server.client.send("/v1/functions/doubled_for_all", { method: "DELETE" });
      const model = {
        ...{ semantic_id: "m", kind: "fact", entity: "flight", grain: ["id"], version: "1", stability: "stable" },
        ...{ relation: table, metrics: [{ name: "twice", expression: "sum(DOUBLED_FOR_ALL(delay))" }] },
      };
      const node = { name: "late", expressions: { of: "source", columns: { twice: "doubled_for_all(delay)" } } };
      const modules = [{ name: "core", nodes: [{ name: "source", table }, node] }];
      const users: [string, object][] = [
        [
          "views/of_macro",
          { sql: `SELECT 'doubled_for_all(1)' AS text, doubled_for_all(delay) AS twice FROM ${table}` },
        ],
        ["semantics/of_macro", model],
        ["pipelines/of_macro", { modules }],
      ];
      const others = { sql: "SELECT 'doubled_for_all(1)' AS doubled_for_all" };
      assert.equal((await send("/v1/views/no_user", others)).status, 201);
      for (const [path, body] of users) {
        const made = await send(`/v1/${path}`, body);
        assert.equal(made.status, 201, made.text);
        const { details } = assertProblem(await gone(), { status: 409, code: "entry_in_use" });
        assert.deepEqual(details?.used_by, [path]);
        if (path === "views/of_macro") {
          const other = { parameters: [{ name: "x" }, { name: "y" }], expression: "x * y" };
          const refused = assertProblem(await define("doubled_for_all", other), { status: 409, code: "entry_in_use" });
          assert.deepEqual(refused.details?.views, ["of_macro"]);
          assert.equal((await server.client.rows("SELECT twice FROM of_macro LIMIT 1")).length, 1);
          assert.equal((await define("doubled_for_all", { ...used, expression: "x + x" })).status, 200);
        }
        assert.equal((await server.client.send(`/v1/${path}`, { method: "DELETE" })).status, 204);
      }
      assert.equal((await gone()).status, 204);
    });

    it("are restored whichever call which, before and after", async () => {
      const restore = (functions: object, more = {}) =>
        server.client.sendJson("/v1/registries/snapshot?mode=replace", { functions, ...more }, { method: "PUT" });
      const plain = { parameters: [{ name: "x" }], expression: "x + 1" };
      const calling = (name: string) => ({ parameters: [{ name: "x" }], expression: `${name}(x) + 1` });
      const { catalog } = (await server.client.send("/v1/registries/functions/snapshot")).as<RegistrySnapshot>();
      const answer = async (functions: object) => {
        const restored = await restore(functions);
        assert.equal(restored.status, 200, restored.text);
        return restored.as<RestoreReport>();
      };
      await answer({ ...catalog.functions, older: plain });
      await answer({ ...catalog.functions, older: plain, newer: plain });
      await answer({ ...catalog.functions, older: calling("newer"), newer: plain });
      assert.equal((await answer({ ...catalog.functions })).removed, 2);
      await answer({ ...catalog.functions, older: plain });
      const view = { sql: "SELECT older(1) AS two" };
      assert.equal((await server.client.sendJson("/v1/views/of_older", view, { method: "PUT" })).status, 201);
      const { details } = assertProblem(await restore({ ...catalog.functions }), { status: 409, code: "entry_in_use" });
      assert.deepEqual([details?.entry, details?.used_by], ["older", ["views/of_older"]]);
      const pair = { parameters: [{ name: "x" }, { name: "y" }], expression: "x + y" };
      assertProblem(await restore({ ...catalog.functions, older: pair }), { status: 409, code: "entry_in_use" });
      assert.deepEqual(await server.client.rows("SELECT * FROM of_older"), [{ two: 2 }]);
      const views = { of_older: { sql: "SELECT older(1, 2) AS three" } };
      const both = await restore({ ...catalog.functions, older: pair }, { views });
      assert.equal(both.status, 200, both.text);
      assert.deepEqual(await server.client.rows("SELECT * FROM of_older"), [{ three: 3 }]);
      assert.equal((await server.client.send("/v1/views/of_older", { method: "DELETE" })).status, 204);
      await answer({ ...catalog.functions });
    });

    it("are exported and restored with the catalog", async () => {
      await defined("inner_macro", { parameters: [{ name: "x" }], expression: "x" });
      await defined("uses_inner", { parameters: [{ name: "x" }], expression: "inner_macro(x) * 3" });
      const exported = await server.client.send("/v1/registries/functions/snapshot");
      const { catalog } = exported.as<RegistrySnapshot>();
      assert.equal(catalog.functions?.uses_inner?.expression, "inner_macro(x) * 3");
      await defined("inner_macro", { parameters: [{ name: "x" }], expression: "0" });
      const restored = await server.client.sendJson("/v1/registries/snapshot", catalog, { method: "PUT" });
      assert.equal(restored.status, 200, restored.text);
      assert.deepEqual(await server.client.rows("SELECT uses_inner(2) AS six"), [{ six: 6 }]);
    });

    it("survive a restart", async () => {
      await defined("outer_macro", { parameters: [{ name: "x" }], expression: "x" });
      await defined("a_user", { parameters: [{ name: "x" }], expression: "outer_macro(x) + 1" });
      const before = await list("&kind=macro");
      await server.stop();
      server = await startServer({ warehouse, state });
      assert.deepEqual(await list("&kind=macro"), before);
      assert.deepEqual(await server.client.rows("SELECT a_user(1) AS two"), [{ two: 2 }]);
    });
  });
});
