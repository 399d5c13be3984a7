/** /v1/contracts: registering them, holding tables to them, and what they do to writes. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { tableFromIPC } from "apache-arrow";
import { decode, encode } from "../../engine/codec.js";
import type {
  ContractBreach,
  ContractEntry,
  ContractList,
  ContractReport,
  DeltaMutationReport,
  FieldSpec,
  QueryAnswer,
  SchemaContract,
  SessionDescription,
  TableDescription,
} from "../../schemas/generated/index.js";
import type { Answer } from "../fixture/client.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { flights, report, rowTypes, Writing } from "../fixture/writing.js";

const id: FieldSpec = { name: "id", dtype: "Int64" };
const origin: FieldSpec = { name: "origin", dtype: "Utf8" };
const delay: FieldSpec = { name: "delay", dtype: "Int64" };
const columns = [id, origin, delay];

describe("contracts", () => {
  let server: TestServer;
  const warehouse = temporaryFolder();
  const state = temporaryFolder();
  const writing = new Writing(() => server.client);

  before(async () => {
    server = await startServer({ warehouse, state });
  });
  after(async () => {
    await server.stop();
    for (const folder of [warehouse, state]) rmSync(folder, { recursive: true });
  });

  const put = (name: string, contract: unknown, headers: Record<string, string> = {}) =>
    server.client.sendJson(`/v1/contracts/${name}`, contract, { method: "PUT", headers });
  const register = async (name: string, contract: unknown): Promise<ContractEntry> => {
    const answer = await put(name, contract);
    assert.ok(answer.status === 201 || answer.status === 200, answer.text);
    return answer.as<ContractEntry>();
  };
  const validate = async (name: string, check: object = {}): Promise<ContractReport> => {
    const answer = await server.client.sendJson(`/v1/contracts/${name}/validate`, check);
    assert.equal(answer.status, 200, answer.text);
    return answer.as<ContractReport>();
  };
  const kinds = ({ violations }: ContractReport) =>
    violations.map(({ violation_type, column_name }) => [violation_type, column_name ?? null]);

  describe("on queries", () => {
    it("hold the tables that are read, where the session asks for it", async () => {
      const table = await writing.table();
      await register(table, { columns: [id, origin], policy: "strict" });
      const open = async (schema_validation: string) => {
        const answer = await server.client.sendJson("/v1/sessions", { profile: { schema_validation } });
        return answer.as<SessionDescription>().session_id;
      };
      const ask = async (session_id: string | undefined, more: object = {}) =>
        server.client.query({ sql: `SELECT count(*) AS n FROM ${table}`, ...(session_id && { session_id }), ...more });
      for (const session of [undefined, await open("off")])
        assert.equal((await ask(session)).as<QueryAnswer>().warnings, undefined);
      const [warning, enforcing] = [await open("warn"), await open("enforce")];
      for (const more of [{}, {}, { cache: { no_store: true } }]) {
        const warned = (await ask(warning, more)).as<QueryAnswer>();
        assert.deepEqual(
          warned.warnings?.map(({ contract, violations }) => [contract, violations[0]?.violation_type]),
          [[table, "extra_column"]],
        );
        assertProblem(await ask(enforcing, more), { status: 422, code: "contract_violated" });
      }
      const csv = await server.client.query(
        { sql: `SELECT 1 AS one FROM ${table}`, session_id: warning },
        { accept: "text/csv" },
      );
      assert.equal(csv.headers.get("query-broken-contracts"), table);
      await register(table, { columns, policy: "strict" });
      assert.equal((await ask(enforcing)).status, 200);
    });
  });

  describe("the registry", () => {
    it("registers, shows, changes and forgets a contract under conditions", async () => {
      const created = await put("kept", { columns, policy: "strict" }, { "if-none-match": "*" });
      assert.equal(created.status, 201, created.text);
      assert.equal(created.headers.get("location"), "/v1/contracts/kept");
      const tag = created.headers.get("etag") ?? "";
      const shown = await server.client.send("/v1/contracts/kept");
      assert.equal(shown.headers.get("etag"), tag);
      const { contract } = shown.as<ContractEntry>();
      assert.deepEqual([contract.policy, contract.on_write], ["strict", "enforce"]);
      assert.deepEqual(
        contract.columns.map(({ name, dtype, nullable }) => [name, dtype, nullable]),
        columns.map(({ name, dtype }) => [name, dtype, true]),
      );
      const known = await server.client.send("/v1/contracts/kept", { headers: { "if-none-match": tag } });
      assert.equal(known.status, 304);
      assertProblem(await put("kept", { columns, policy: "relaxed" }, { "if-none-match": "*" }), {
        status: 412,
        code: "precondition_failed",
      });
      const changed = await put("kept", { columns, policy: "relaxed" }, { "if-match": tag });
      assert.equal(changed.status, 200, changed.text);
      assert.notEqual(changed.headers.get("etag"), tag);
      const gone = await server.client.send("/v1/contracts/kept", { method: "DELETE", headers: { "if-match": tag } });
      assertProblem(gone, { status: 412, code: "precondition_failed" });
      assert.equal((await server.client.send("/v1/contracts/kept", { method: "DELETE" })).status, 204);
      assertProblem(await server.client.send("/v1/contracts/kept"), { status: 404, code: "contract_not_found" });
    });

    it("lists by name, page by page, also after a restart", async () => {
      for (const name of ["page_b", "page_a", "page_c"]) await register(name, { columns, policy: "strict" });
      const names = async () => {
        const found: string[] = [];
        for (let cursor: string | null = ""; cursor !== null; ) {
          const path: string = `/v1/contracts?limit=2${cursor && `&cursor=${cursor}`}`;
          const page: ContractList = (await server.client.send(path)).as<ContractList>();
          assert.ok(page.items.length <= 2);
          found.push(...page.items.map(({ name }) => name));
          cursor = page.next_cursor;
        }
        return found.filter((name) => name.startsWith("page_"));
      };
      assert.deepEqual(await names(), ["page_a", "page_b", "page_c"]);
      await server.stop();
      server = await startServer({ warehouse, state });
      assert.deepEqual(await names(), ["page_a", "page_b", "page_c"]);
    });

    it("lists every fault of a contract at once", async () => {
      const answer = await put("wrong", {
        columns: [id, { name: "id", dtype: "Int65" }, { name: "", dtype: "Utf8" }, { ...delay, default_value: "soon" }],
        policy: "strict",
        partition_columns: ["orgin"],
        key_fields: ["idd"],
        ordering: [{ column: "delays" }],
        rules: [
          { name: " ", expression: "id > 0" },
          { name: "same", expression: "id > 0" },
          { name: "same", expression: "id > 0" },
        ],
      });
      const problem = assertProblem(answer, { status: 422, code: "invalid_entry" });
      assert.deepEqual(problem.errors?.map(({ pointer }) => pointer).sort(), [
        "/columns/1/dtype",
        "/columns/1/name",
        "/columns/2/name",
        "/columns/3/default_value",
        "/key_fields/0",
        "/ordering/0/column",
        "/partition_columns/0",
        "/rules/0/name",
        "/rules/2/name",
      ]);
      assert.match(problem.errors?.find(({ pointer }) => pointer === "/key_fields/0")?.message ?? "", /'id'/);
    });

    it("refuses rules that are no conditions on its columns", async () => {
      const expressions = [
        "delay >",
        "dely > 0",
        "delay + 1",
        "(SELECT true)",
        "sum(delay) > 0",
        "delay > 0) OR (true",
      ];
      const rules = expressions.map((expression, index) => ({ name: `rule_${index}`, expression }));
      const problem = assertProblem(await put("wrong", { columns, policy: "strict", rules }), {
        status: 422,
        code: "invalid_entry",
      });
      assert.deepEqual(
        problem.errors?.map(({ pointer, keyword }) => [pointer, keyword]),
        expressions.map((_, index) => [`/rules/${index}/expression`, "expression"]),
      );
    });

    it("infers a contract from a table, which then keeps it", async () => {
      const table = await writing.table(flights, "&partition_columns=origin");
      const { contract } = await register("inferred", { infer_from: table, policy: "strict" });
      assert.equal(contract.table, table);
      assert.deepEqual(contract.partition_columns, ["origin"]);
      assert.deepEqual(
        contract.columns.map(({ name, dtype }) => [name, dtype]),
        columns.map(({ name, dtype }) => [name, dtype]),
      );
      assert.deepEqual(await validate("inferred"), { valid: true, violations: [] });
      assertProblem(await put("inferred", { infer_from: "nowhere", policy: "strict" }), {
        status: 404,
        code: "table_not_found",
      });
    });
  });

  describe("policies", () => {
    const contract = { columns: [id, { ...origin, nullable: false }], partition_columns: [] };
    const held = async (policy: string, actual: FieldSpec[], partition_columns: string[] = []) => {
      await register("policy", { ...contract, policy });
      return kinds(await validate("policy", { columns: actual, partition_columns }));
    };
    const required = { ...origin, nullable: false };

    it("finds columns that are missing under each of them", async () => {
      for (const policy of ["strict", "additive", "relaxed"])
        assert.deepEqual(await held(policy, [required]), [["missing_column", "id"]]);
    });

    it("lets further columns in unless it is strict", async () => {
      const actual = [id, required, delay];
      assert.deepEqual(await held("strict", actual), [["extra_column", "delay"]]);
      assert.deepEqual(await held("additive", actual), []);
      assert.deepEqual(await held("relaxed", actual), []);
    });

    it("lets widened types and looser nullability in where it is relaxed", async () => {
      const wide = [
        { ...id, dtype: "Decimal128(38, 0)" },
        { ...origin, dtype: "LargeUtf8" },
      ];
      const faults = [
        ["type_mismatch", "id"],
        ["type_mismatch", "origin"],
        ["nullability_mismatch", "origin"],
      ];
      assert.deepEqual(await held("strict", wide), faults);
      assert.deepEqual(await held("additive", wide), faults);
      assert.deepEqual(await held("relaxed", wide), []);
    });

    it("lets narrower and other types in nowhere", async () => {
      for (const dtype of ["Int32", "Utf8", "Float64", "UInt64"])
        for (const policy of ["strict", "additive", "relaxed"])
          assert.deepEqual(await held(policy, [{ ...id, dtype }, required]), [["type_mismatch", "id"]], dtype);
    });

    it("knows views of text and dictionaries as text", async () => {
      const actual = [id, { ...required, dtype: "Utf8", encoding: "dictionary" as const }];
      assert.deepEqual(await held("strict", actual), []);
      assert.deepEqual(await held("strict", [id, { ...required, dtype: "Utf8View" }]), []);
    });

    it("asks for order, partitions and metadata where it is strict", async () => {
      assert.deepEqual(await held("strict", [required, id]), [["metadata_mismatch", null]]);
      assert.deepEqual(await held("strict", [id, required], ["id"]), [["metadata_mismatch", null]]);
      assert.deepEqual(await held("additive", [required, id], ["id"]), []);
      const noted = { ...id, metadata: { unit: "km" } };
      await register("policy", { columns: [noted], policy: "strict" });
      assert.deepEqual(await validate("policy", { columns: [id] }), {
        valid: false,
        violations: [
          { violation_type: "metadata_mismatch", column_name: "id", expected: '{"unit": "km"}', actual: "{}" },
        ],
      });
      assert.equal((await validate("policy", { columns: [noted] })).valid, true);
    });

    it("tells of a table that isn't there", async () => {
      await register("nowhere", { columns, policy: "relaxed" });
      const found = await validate("nowhere", { rows: {} });
      assert.deepEqual(found.violations, [
        { violation_type: "missing_table", column_name: null, expected: "nowhere", actual: null },
      ]);
      assert.equal(found.rows, undefined);
    });
  });

  describe("rows", () => {
    it("counts and shows those that break each rule", async () => {
      const table = await writing.table([...flights, { id: 3, origin: "LAX", delay: 700 }]);
      const contract: SchemaContract = {
        table,
        columns: [id, origin, { ...delay, nullable: false }],
        policy: "relaxed",
        key_fields: ["id"],
        rules: [
          { name: "not_late", expression: "delay <= 600" },
          { name: "early", expression: "delay >= 0 -- at all", severity: "warning" },
        ],
      };
      await register("ruled", contract);
      const { valid, violations, rows } = await validate("ruled", { rows: { samples: 1 } });
      assert.deepEqual([valid, violations], [false, []]);
      assert.equal(rows?.checked, 4);
      const found = rows?.violations.map(({ rule, column, severity, count }) => [rule, column, severity, count]);
      assert.deepEqual(found, [
        ["not_null", "delay", "error", 1],
        ["unique_key", "id", "error", 2],
        ["not_late", null, "error", 2],
        ["early", null, "warning", 2],
      ]);
      for (const { sample } of rows?.violations ?? []) assert.equal(sample.length, 1);
      assert.deepEqual(rows?.violations[0]?.sample, [{ id: 2, origin: "PDX", delay: null }]);
      const { rows: unseen } = await validate("ruled", { rows: { samples: 0 } });
      assert.deepEqual(unseen?.violations[0]?.sample, []);
    });

    it("are those of a view too", async () => {
      const table = await writing.table(flights);
      const sql = `SELECT id, delay * 2 AS doubled FROM ${table}`;
      const view = await server.client.sendJson("/v1/views/doubled_delays", { sql }, { method: "PUT" });
      assert.equal(view.status, 201, view.text);
      const doubled = { name: "doubled", dtype: "Int64", nullable: false };
      await register("doubled", { table: "doubled_delays", columns: [id, doubled], policy: "relaxed" });
      const { violations, rows } = await validate("doubled", { rows: {} });
      assert.deepEqual([violations, rows?.checked], [[], 3]);
      assert.deepEqual(rows?.violations[0]?.sample, [{ id: 2, doubled: null }]);
      await register("doubled", { table: "doubled_delays", columns: [id, origin], policy: "strict" });
      assert.deepEqual(kinds(await validate("doubled")), [
        ["missing_column", "origin"],
        ["extra_column", "doubled"],
      ]);
    });

    it("gives the statement that reads the good ones, in order", async () => {
      const table = await writing.table(flights);
      const ordering = [{ column: "id", descending: true }];
      const rules = [{ name: "known", expression: "delay IS NOT NULL" }];
      await register("good", { table, columns: [delay, id], policy: "additive", ordering, rules });
      const { rows } = await validate("good", { rows: { filter: true } });
      assert.equal(rows?.good?.rows, 2);
      assert.deepEqual(await server.client.rows(rows?.good?.sql ?? ""), [
        { delay: -3, id: 3, origin: "SEA" },
        { delay: 12, id: 1, origin: "SEA" },
      ]);
    });

    it("coerces what loses nothing, and puts defaults in the place of nulls", async () => {
      const table = await writing.table([
        { id: "1", price: 2.5, origin: null },
        { id: "two", price: 3, origin: "SEA" },
        { id: "3", price: 4, origin: "" },
      ]);
      const contract = {
        table,
        columns: [
          { ...id, nullable: false },
          { name: "price", dtype: "Int32" },
          { ...origin, default_value: "none" },
        ],
        policy: "strict",
        rules: [{ name: "named", expression: "origin <> ''" }],
      };
      await register("coerced", contract);
      assert.deepEqual(kinds(await validate("coerced", { rows: {} })).slice(0, 2), [
        ["type_mismatch", "id"],
        ["type_mismatch", "price"],
      ]);
      const { valid, violations, rows } = await validate("coerced", { rows: { coerce: true, filter: true } });
      assert.deepEqual([valid, violations], [false, []]);
      assert.deepEqual(
        rows?.violations.map(({ rule, column, sample }) => [rule, column, sample]),
        [
          ["type", "id", [{ id: "two", price: 3, origin: "SEA" }]],
          ["type", "price", [{ id: "1", price: 2.5, origin: null }]],
          ["named", null, [{ id: "3", price: 4, origin: "" }]],
        ],
      );
      assert.deepEqual([rows?.coerced, rows?.good?.rows], [3, 0]);
      await register("coerced", { ...contract, rules: [] });
      const again = await validate("coerced", { rows: { coerce: true, filter: true } });
      assert.deepEqual(await server.client.rows(again.rows?.good?.sql ?? ""), [{ id: 3, price: 4, origin: "" }]);
    });
  });

  describe("on write", () => {
    const breaches = (answer: Parameters<typeof report>[0]): ContractBreach[] => {
      const problem = assertProblem(answer, { status: 422, code: "contract_violated", kind: "validation" });
      return problem.details?.breaches as ContractBreach[];
    };
    const rules = [{ name: "not_late", expression: "delay <= 600" }];

    it("refuses rows that break it with every violation, and writes nothing", async () => {
      const table = await writing.table(flights);
      await register(table, { columns: [{ ...id, nullable: false }, origin, delay], policy: "additive", rules });
      const bad = [
        { id: null, origin: "SEA", delay: 1 },
        { id: 4, origin: "SEA", delay: 601 },
        { id: 5, origin: "SEA", delay: 602 },
        { id: 6, origin: "SEA", delay: 1 },
      ];
      for (const mode of ["append", "overwrite"]) {
        const [breach, ...others] = breaches(await writing.rows(table, bad, `mode=${mode}`));
        assert.deepEqual([breach?.contract, breach?.violations, others.length], [table, [], 0]);
        assert.deepEqual(
          breach?.rows.map(({ rule, column, count, sample }) => [rule, column, count, sample.length]),
          [
            ["not_null", "id", 1, 1],
            ["not_late", null, 2, 2],
          ],
        );
      }
      assert.deepEqual([await writing.version(table), await writing.ids(table)], [0, [1, 2, 3]]);
      assert.deepEqual(report(await writing.rows(table, [{ id: 7, origin: "SEA", delay: 600 }])).warnings, []);
      assert.deepEqual(await writing.ids(table), [1, 2, 3, 7]);
    });

    it("refuses columns that it doesn't have, and rows of another type", async () => {
      const table = await writing.table(flights);
      await register(table, { columns, policy: "strict" });
      const more = [{ id: 4, origin: "SEA", delay: 1, gate: "B2" }];
      const [merged] = breaches(await writing.rows(table, more, "schema_mode=merge"));
      assert.deepEqual(merged?.violations, [
        { violation_type: "extra_column", column_name: "gate", expected: null, actual: "Utf8" },
      ]);
      const other = [{ id: "a", origin: "SEA" }];
      const [replaced] = breaches(await writing.rows(table, other, "mode=overwrite&schema_mode=overwrite"));
      assert.deepEqual(
        replaced?.violations.map(({ violation_type, column_name }) => [violation_type, column_name]),
        [
          ["missing_column", "delay"],
          ["type_mismatch", "id"],
        ],
      );
      assert.equal(await writing.version(table), 0);
    });

    it("takes columns that the rows don't have as nulls", async () => {
      const table = await writing.table(flights);
      const contract = { columns: [id, { ...origin, nullable: false }, delay], policy: "additive", rules };
      await register(table, contract);
      const [refused] = breaches(await writing.rows(table, [{ id: 4 }, { id: 5 }], "schema_mode=merge"));
      const counts = refused?.rows.map(({ rule, count }) => [rule, count]);
      assert.deepEqual(counts, [
        ["not_null", 2],
        ["not_late", 2],
      ]);
      const gate = { name: "gate", dtype: "Utf8" };
      const gated = [{ name: "gated", expression: "gate IS NOT NULL" }];
      await register(table, { columns: [id, gate], policy: "additive", rules: gated, on_write: "warn" });
      const written = report(await writing.rows(table, [{ id: 6, origin: "SEA", delay: 1 }]));
      const updated = await writing.done(table, "update", { predicate: "id = 6", updates: { delay: "2" } });
      assert.deepEqual(
        written.warnings?.map(({ violations, rows }) => [violations[0]?.violation_type, rows[0]?.count]),
        [["missing_column", 1]],
      );
      assert.deepEqual(
        updated.warnings?.map(({ rows }) => rows.map(({ rule, count }) => [rule, count])),
        [[["gated", 1]]],
      );
    });

    it("writes and tells where it only warns, and says nothing where it is off", async () => {
      const table = await writing.table(flights);
      const contract = { columns: [id, origin], policy: "strict", rules, on_write: "warn" };
      await register(table, { ...contract, columns });
      const late = [{ id: 4, origin: "SEA", delay: 601 }];
      const { warnings } = report(await writing.rows(table, late));
      assert.deepEqual(warnings?.[0]?.rows, [
        { rule: "not_late", column: null, severity: "error", count: 1, sample: [{ id: 4, origin: "SEA", delay: 601 }] },
      ]);
      await register(table, { ...contract, columns, on_write: "off" });
      assert.deepEqual(report(await writing.rows(table, late)).warnings, []);
      assert.deepEqual(await writing.ids(table), [1, 2, 3, 4, 4]);
    });

    it("reports rules whose severity is a warning, and writes", async () => {
      const table = await writing.table(flights);
      await register(table, { columns, policy: "strict", rules: [{ ...rules[0], severity: "warning" }] });
      const { warnings } = report(await writing.rows(table, [{ id: 4, origin: "SEA", delay: 601 }]));
      assert.deepEqual(
        warnings?.map(({ contract, rows }) => [contract, rows.length]),
        [[table, 1]],
      );
    });

    it("holds tables that are made to it, empty ones and those made of rows", async () => {
      await register("to_be_made", { columns, policy: "strict", partition_columns: ["origin"] });
      const [empty] = breaches(await writing.create("to_be_made", { columns: [id, { ...origin, nullable: false }] }));
      assert.deepEqual(
        empty?.violations.map(({ violation_type, column_name }) => [violation_type, column_name]),
        [
          ["missing_column", "delay"],
          ["nullability_mismatch", "origin"],
          ["metadata_mismatch", null],
        ],
      );
      const [made] = breaches(await writing.rows("to_be_made", flights, "mode=create"));
      assert.deepEqual(
        made?.violations.map(({ violation_type }) => violation_type),
        ["metadata_mismatch"],
      );
      const good = await writing.rows("to_be_made", flights, "mode=create&partition_columns=origin");
      assert.equal(good.status, 201, good.text);
    });

    it("holds rows that are updated or merged to it", async () => {
      const table = await writing.table(flights);
      await register(table, { columns: [id, { ...origin, nullable: false }, delay], policy: "strict", rules });
      const update = { predicate: "delay > 0", updates: { delay: "delay * 100" } };
      const [updated] = breaches(await writing.operate(table, "update", update));
      assert.deepEqual(updated?.rows, [
        {
          rule: "not_late",
          column: null,
          severity: "error",
          count: 1,
          sample: [{ id: 1, origin: "SEA", delay: 1200 }],
        },
      ]);
      const merge = {
        source: {
          rows: [
            { id: 1, origin: null },
            { id: 9, origin: null },
            { id: 2, origin: "LAX" },
          ],
        },
        predicate: "target.id = source.id",
        matched_updates: { origin: "source.origin" },
        not_matched_inserts: { id: "source.id", origin: "source.origin", delay: "0" },
      };
      const [merged] = breaches(await writing.operate(table, "merge", merge));
      assert.deepEqual(
        merged?.rows.map(({ rule, column, count }) => [rule, column, count]),
        [
          ["not_null", "origin", 2],
          ["not_late", null, 1],
        ],
      );
      assert.equal(await writing.version(table), 0);
      await register(table, { columns, policy: "strict", rules, on_write: "warn" });
      const { warnings } = await writing.done(table, "update", update);
      assert.deepEqual(
        warnings?.map(({ rows }) => rows.map(({ count }) => count)),
        [[1]],
      );
    });

    it("holds a table to every contract of it", async () => {
      const table = await writing.table(flights);
      await register(`${table}_a`, { table, columns, policy: "relaxed", rules });
      await register(`${table}_b`, { table, columns: [{ ...id, nullable: false }], policy: "relaxed" });
      const found = breaches(await writing.rows(table, [{ id: null, origin: "SEA", delay: 601 }]));
      assert.deepEqual(
        found.map(({ contract }) => contract),
        [`${table}_a`, `${table}_b`],
      );
    });

    it("holds rows that are written to its key, among themselves and beside those of the table", async () => {
      const table = await writing.table(flights);
      await register(table, { columns, policy: "strict", key_fields: ["id"] });
      const repeated = (answer: Answer) => breaches(answer).flatMap(({ rows }) => rows.map(({ count }) => count));
      const row = (of: number | null, to = "BOI") => ({ id: of, origin: to, delay: 1 });
      assert.deepEqual(repeated(await writing.rows(table, [row(3), row(4)], "mode=append")), [1]);
      assert.deepEqual(repeated(await writing.rows(table, [row(5), row(5), row(6)], "mode=append")), [2]);
      const [broken] = breaches(await writing.rows(table, [row(1), row(2)], "mode=append"));
      assert.equal(broken?.rows[0]?.rule, "unique_key");
      assert.deepEqual(broken?.rows[0]?.sample.map((each) => each.id).sort(), [1, 2]);
      assert.equal(await writing.version(table), 0);
      assert.equal((await writing.rows(table, [row(4), row(null)], "mode=append")).status, 200);
      assert.deepEqual(repeated(await writing.rows(table, [row(null)], "mode=append")), [1]);
      const replaced = "mode=overwrite&replace_where=id%20%3D%204";
      assert.deepEqual(repeated(await writing.rows(table, [{ ...row(4) }, { ...row(4) }], replaced)), [2]);
      assert.equal((await writing.rows(table, [row(4, "LAX")], replaced)).status, 200);
      assert.deepEqual(repeated(await writing.rows(table, [row(1), row(1)], "mode=overwrite")), [2]);
      assert.deepEqual(repeated(await writing.operate(table, "update", { updates: { id: "7" } })), [5]);
      const moved = { predicate: "id = 2", updates: { id: "id + 1" } };
      assert.deepEqual(repeated(await writing.operate(table, "update", moved)), [1]);
      await writing.done(table, "update", { predicate: "id = 2", updates: { id: "id + 10" } });
      assert.deepEqual(await writing.ids(table), [1, 3, 4, 12, null]);
    });

    it("holds what a merge leaves behind to its key", async () => {
      const table = await writing.table(flights);
      await register(table, { columns, policy: "strict", key_fields: ["id"] });
      const merge = (rows: object[], more: object) =>
        writing.operate(table, "merge", {
          source: { rows },
          predicate: "target.id = source.id AND target.origin = source.origin",
          not_matched_inserts: { id: "source.id", origin: "source.origin", delay: "0" },
          ...more,
        });
      const counts = (answer: Answer) => breaches(answer).flatMap(({ rows }) => rows.map(({ count }) => count));
      assert.deepEqual(counts(await merge([{ id: 1, origin: "LAX" }], {})), [1]);
      const matched_updates = { id: "source.id + 1" };
      assert.deepEqual(counts(await merge([{ id: 1, origin: "SEA" }], { matched_updates })), [1]);
      const gone = { not_matched_by_source_delete: true };
      assert.equal((await merge([{ id: 1, origin: "LAX" }], gone)).status, 200);
      assert.deepEqual(await writing.read(table), [{ id: 1, origin: "LAX", delay: 0 }]);
      const replaced = { matched_delete: true, not_matched_inserts: {} };
      assert.equal((await merge([{ id: 1, origin: "LAX" }], replaced)).status, 200);
      assert.deepEqual(await writing.read(table), []);
    });

    it("holds versions that are brought back to it", async () => {
      const table = await writing.table([...flights, { id: 3, origin: "LAX", delay: 601 }]);
      await writing.done(table, "delete", { predicate: "delay > 600" });
      await register(table, { columns, policy: "strict", rules, key_fields: ["id"] });
      const [broken] = breaches(await writing.operate(table, "restore", { version: 0 }));
      assert.deepEqual(
        broken?.rows.map(({ rule, count }) => [rule, count]),
        [["not_late", 2]],
      );
      await register(table, { columns, policy: "strict", key_fields: ["id"] });
      const [repeated] = breaches(await writing.operate(table, "restore", { version: 0 }));
      assert.deepEqual(
        repeated?.rows.map(({ rule, count }) => [rule, count]),
        [["unique_key", 2]],
      );
      await register(table, { columns: [id, delay], policy: "strict" });
      const [extra] = breaches(await writing.operate(table, "restore", { version: 0 }));
      assert.equal(extra?.violations[0]?.violation_type, "extra_column");
      assert.equal(await writing.version(table), 1);
      await register(table, { columns, policy: "strict", rules, key_fields: ["id"], on_write: "warn" });
      const { warnings } = await writing.done(table, "restore", { version: 0 });
      assert.deepEqual(
        warnings?.flatMap(({ rows }) => rows.map(({ rule }) => rule)),
        ["not_late", "unique_key"],
      );
    });

    it("holds folders of Parquet files that become tables to it", async () => {
      const sql = "SELECT * FROM (VALUES (1, 601), (1, 2)) AS v(id, delay)";
      const file = await server.client.query(sql, { accept: rowTypes.parquet });
      const convert = async (name: string, contract: object) => {
        mkdirSync(join(warehouse, name));
        writeFileSync(join(warehouse, name, "part.parquet"), file.bytes);
        await register(name, { columns: [id, delay], policy: "relaxed", ...contract });
        return server.client.sendJson(`/v1/tables/${name}/convert`, {});
      };
      const kinds = (answer: Answer) => breaches(answer).flatMap(({ rows }) => rows.map(({ rule }) => rule));
      assert.deepEqual(kinds(await convert("folder_a", { rules })), ["not_late"]);
      assert.deepEqual(kinds(await convert("folder_b", { key_fields: ["id"] })), ["unique_key"]);
      const [missing] = breaches(await convert("folder_c", { columns: [id, origin] }));
      assert.equal(missing?.violations[0]?.violation_type, "missing_column");
      assert.equal((await server.client.send("/v1/tables/folder_a")).status, 404);
      const warned = await convert("folder_d", { rules, on_write: "warn" });
      assert.equal(warned.status, 201, warned.text);
      assert.deepEqual(
        warned.as<DeltaMutationReport>().warnings?.flatMap(({ rows }) => rows.map(({ count }) => count)),
        [1],
      );
    });

    it("tells of a table that is made in spite of it", async () => {
      await register("made_anyway", { columns: [id, origin], policy: "strict", on_write: "warn" });
      const made = await writing.create("made_anyway", { columns: [id] });
      assert.equal(made.status, 201, made.text);
      const { warnings } = made.as<TableDescription>();
      assert.deepEqual(
        warnings?.map(({ contract, violations }) => [contract, violations[0]?.violation_type]),
        [["made_anyway", "missing_column"]],
      );
      assert.equal((await writing.describe("made_anyway")).table.warnings, undefined);
    });
  });

  describe("rows of a request", () => {
    const wanted = {
      columns: [
        { ...id, nullable: false },
        { name: "price", dtype: "Decimal128(10, 2)" },
        { name: "day", dtype: "Date32" },
        { ...origin, default_value: "none" },
      ],
      policy: "strict",
      key_fields: ["id"],
      ordering: [{ column: "id" }],
      rules: [{ name: "dear", expression: "price > 1" }],
    };
    const rows = [
      { id: 1, price: "2.50", day: "2026-01-31", origin: "SEA" },
      { id: 2, price: "0.50", day: "2026-02-01", origin: null },
      { id: 3, price: "7.25", day: "31 January", origin: "PDX" },
      { id: 4, price: "9", day: null, origin: null },
      { id: null, price: null, day: null, origin: "LAX" },
    ];
    const good = [
      { id: 1, price: 2.5, day: "2026-01-31", origin: "SEA" },
      { id: 4, price: 9, day: null, origin: "none" },
    ];
    const csv = `id,price,day,origin\n${rows.map((row) => Object.values(row).join(",")).join("\n")}\n`;
    const sent = async (): Promise<[string, string | Uint8Array][]> => {
      const values = rows.map(({ id, ...rest }) => {
        const texts = Object.values(rest).map((value) => (value === null ? "CAST(NULL AS VARCHAR)" : `'${value}'`));
        return `(${id ?? "NULL"}, ${texts.join(", ")})`;
      });
      const sql = `SELECT * FROM (VALUES ${values.join(", ")}) AS v(id, price, day, origin)`;
      const as = async (accept: string) => (await server.client.query(sql, { accept })).bytes;
      return [
        [rowTypes.json, JSON.stringify(rows)],
        [rowTypes.ndjson, rows.map((row) => JSON.stringify(row)).join("\n")],
        [rowTypes.csv, csv],
        [rowTypes.msgpack, encode(rows)],
        [rowTypes.arrow, await as(rowTypes.arrow)],
        [rowTypes.parquet, await as(rowTypes.parquet)],
      ];
    };
    const send = (path: string, type: string, body: string | Uint8Array, accept = "application/json") =>
      server.client.send(`/v1/contracts/wanted/${path}`, {
        method: "POST",
        headers: { "content-type": type, accept },
        body,
      });

    before(() => register("wanted", wanted));

    it("are held to it in every format", async () => {
      for (const [type, body] of await sent()) {
        const coerce = type === rowTypes.arrow || type === rowTypes.parquet ? "&coerce=true" : "";
        const answer = await send(`validate?samples=1${coerce}`, type, body);
        assert.equal(answer.status, 200, `${type}: ${answer.text}`);
        const { valid, violations, rows: found } = answer.as<ContractReport>();
        assert.deepEqual([valid, violations, found?.checked, found?.good], [false, [], 5, { rows: 2 }], type);
        assert.deepEqual(
          found?.violations.map(({ rule, column, count }) => [rule, column, count]),
          [
            ["not_null", "id", 1],
            ["type", "day", 1],
            ["dear", null, 2],
          ],
          type,
        );
        assert.deepEqual(
          found?.violations.map(({ sample }) => sample.length),
          [1, 1, 1],
          type,
        );
      }
      assert.deepEqual(readdirSync(join(state, "incoming")), []);
    });

    it("are sent back where they are good, from every format and in every format", async () => {
      for (const [type, body] of await sent()) {
        const coerce = type === rowTypes.arrow || type === rowTypes.parquet ? "?coerce=true" : "";
        const answer = await send(`rows${coerce}`, type, body);
        assert.equal(answer.status, 200, `${type}: ${answer.text}`);
        const { data, schema } = answer.as<QueryAnswer>();
        assert.deepEqual(data, good, type);
        assert.deepEqual(
          schema.fields.map((field) => field.type),
          ["Int64", "Decimal128(10, 2)", "Date32", "Utf8"],
        );
      }
      const shown: [string, (bytes: Buffer) => unknown, unknown][] = [
        [rowTypes.ndjson, (bytes) => bytes.toString().split("\n").length - 1, 2],
        [rowTypes.csv, String, "id,price,day,origin\r\n1,2.50,2026-01-31,SEA\r\n4,9.00,,none\r\n"],
        [rowTypes.msgpack, (bytes) => (decode(bytes) as { data: unknown[] }).data.length, 2],
        [rowTypes.arrow, (bytes) => tableFromIPC(bytes).numRows, 2],
        [rowTypes.parquet, (bytes) => bytes.subarray(0, 4).toString(), "PAR1"],
      ];
      for (const [accept, read, expected] of shown) {
        const answer = await send("rows", rowTypes.csv, csv, accept);
        assert.equal(answer.headers.get("content-type")?.split(";")[0], accept);
        assert.deepEqual(read(answer.bytes), expected, accept);
      }
      await until(() => readdirSync(join(state, "incoming")).length === 0);
    });

    it("are as their format has them where they aren't coerced", async () => {
      const answer = await send("validate?coerce=false", rowTypes.json, JSON.stringify(rows));
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(kinds(answer.as<ContractReport>()), [
        ["type_mismatch", "price"],
        ["type_mismatch", "day"],
      ]);
      const refused = await send("rows?coerce=false", rowTypes.json, JSON.stringify(rows));
      const problem = assertProblem(refused, { status: 422, code: "contract_violated" });
      assert.equal((problem.details as { violations: unknown[] }).violations.length, 2);
      const missing = await send("validate", rowTypes.csv, "id,price\n1,2\n");
      assert.deepEqual(kinds(missing.as<ContractReport>()), [
        ["missing_column", "day"],
        ["missing_column", "origin"],
      ]);
      const extra = await send("validate", rowTypes.json, '[{"id": 1, "price": 2, "extra": true}]');
      assert.deepEqual(kinds(extra.as<ContractReport>()), [["extra_column", "extra"]]);
      assertProblem(await send("validate", rowTypes.csv, ""), { status: 400, code: "invalid_body" });
      assertProblem(await send("validate", rowTypes.ndjson, '{"id": 1}\n{"id": '), {
        status: 422,
        code: "invalid_rows",
      });
      assertProblem(await send("validate", rowTypes.parquet, "PAR1"), { status: 422, code: "invalid_rows" });
      assertProblem(await send("validate", rowTypes.json, '{"tabel": "x"}'), { status: 400, code: "invalid_request" });
      assert.deepEqual(readdirSync(join(state, "incoming")), []);
    });

    it("of a table are sent where they are good too", async () => {
      const table = await writing.table(flights);
      await register("of_table", {
        table,
        columns,
        policy: "strict",
        rules: [{ name: "late", expression: "delay > 0" }],
      });
      const answer = await server.client.sendJson("/v1/contracts/of_table/rows", {});
      assert.deepEqual(answer.as<QueryAnswer>().data, [flights[0]]);
      assert.match(answer.as<QueryAnswer & { sql: string }>().sql, /SELECT "id"/);
      const nowhere = await server.client.sendJson("/v1/contracts/not_there_at_all/rows", {});
      assertProblem(nowhere, { status: 404, code: "contract_not_found" });
    });
  });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}
