/** /v1/views: statements with names, what they are refused for, and their rows, kept or not. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { QueryAnswer, ViewDescription, ViewList } from "../../schemas/generated/index.js";
import { exchange } from "../fixture/exchange.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { Writing } from "../fixture/writing.js";

describe("views", () => {
  const warehouse = temporaryFolder();
  const state = temporaryFolder();
  let server: TestServer;
  const writing = new Writing(() => server.client);

  before(async () => {
    server = await startServer({ warehouse, state });
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true });
    rmSync(state, { recursive: true });
  });

  const put = (name: string, definition: object, headers: Record<string, string> = {}) =>
    server.client.sendJson(`/v1/views/${name}`, definition, { method: "PUT", headers });
  const made = async (name: string, definition: object) => {
    const answer = await put(name, definition);
    assert.equal(answer.status, 201, answer.text);
    return answer.as<ViewDescription>();
  };
  const rows = async (name: string, selection = "") => {
    const answer = await server.client.send(`/v1/views/${name}/rows?${selection}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.as<{ data: unknown[] }>().data;
  };
  let numbered = 0;
  const fresh = (prefix: string) => `${prefix}_${numbered++}`;

  it("are registered, shown, listed, replaced and removed", async () => {
    const table = await writing.table();
    const name = fresh("late");
    const view = await made(name, { sql: `SELECT id, delay FROM ${table} WHERE delay > 0`, description: "Late ones." });
    assert.deepEqual(view.dependencies, [table]);
    assert.deepEqual(
      view.columns.map((column) => [column.name, column.dtype]),
      [
        ["id", "Int64"],
        ["delay", "Int64"],
      ],
    );
    const shown = await server.client.send(`/v1/views/${name}`);
    assert.deepEqual(shown.as(), view);
    const tag = String(shown.headers.get("etag"));
    assert.equal((await server.client.send(`/v1/views/${name}`, { headers: { "if-none-match": tag } })).status, 304);
    const { items } = (await server.client.send("/v1/views?limit=1000")).as<ViewList>();
    assert.ok(items.some((item) => item.name === name && item.description === "Late ones."));
    assertProblem(await put(name, { sql: "SELECT 1 AS id" }, { "if-none-match": "*" }), {
      status: 412,
      code: "precondition_failed",
    });
    const replaced = await put(name, { sql: `SELECT id FROM ${table}` }, { "if-match": tag });
    assert.equal(replaced.status, 200, replaced.text);
    assert.notEqual(replaced.headers.get("etag"), tag);
    assertProblem(await put(name, { sql: "SELECT 1 AS id" }, { "if-match": tag }), {
      status: 412,
      code: "precondition_failed",
    });
    assert.equal((await server.client.send(`/v1/views/${name}`, { method: "DELETE" })).status, 204);
    assertProblem(await server.client.send(`/v1/views/${name}`), { status: 404, code: "view_not_found" });
    assertProblem(await server.client.query({ sql: `SELECT * FROM ${name}` }), { status: 422, code: "unknown_table" });
  });

  it("are read by statements and by other views, at the versions that a request pins", async () => {
    const table = await writing.table();
    const [inner, outer] = [fresh("inner"), fresh("outer")];
    await made(inner, { sql: `SELECT origin, count(*) AS flights FROM ${table} GROUP BY origin` });
    await made(outer, { sql: `SELECT sum(flights) AS flights FROM ${inner}` });
    await writing.rows(table, [{ id: 4, origin: "SEA", delay: 1 }]);
    const answer = (await server.client.query({ sql: `SELECT * FROM ${outer}` })).as<QueryAnswer>();
    assert.deepEqual(answer.data, [{ flights: 4 }]);
    assert.deepEqual(
      answer.tables.map(({ name, version }) => [name, version]),
      [[table, 1]],
    );
    const pinned = await server.client.query({ sql: `SELECT * FROM ${outer}`, tables: { [table]: { version: 0 } } });
    assert.deepEqual(pinned.as<QueryAnswer>().data, [{ flights: 3 }]);
    const shown = await server.client.rows(
      `SELECT table_type FROM information_schema.tables WHERE table_name = '${outer}'`,
    );
    assert.deepEqual(shown, [{ table_type: "VIEW" }]);
  });

  it("say what is wrong with a statement, and through which views", async () => {
    const table = await writing.table();
    const [inner, outer] = [fresh("inner"), fresh("outer")];
    assertProblem(await put(inner, { sql: `SELECT nothing FROM ${table}` }), { status: 422, code: "unknown_column" });
    assertProblem(await put(inner, { sql: "SELECT * FROM nowhere" }), { status: 422, code: "unknown_table" });
    assertProblem(await put(inner, { sql: `DELETE FROM ${table}` }), { status: 403, code: "statement_not_allowed" });
    assertProblem(await put(inner, { sql: "SHOW TABLES" }), { status: 403, code: "statement_not_allowed" });
    assertProblem(await put(table, { sql: "SELECT 1 AS one" }), { status: 409, code: "name_taken" });
    const named = fresh("named");
    await made(named, { sql: "SELECT 1 AS one" });
    for (const answer of [
      await writing.create(named, { columns: [{ name: "id", dtype: "Int64" }] }),
      await writing.create(named, { uri: table }),
      await writing.rows(named, [{ id: 1 }], "mode=create"),
    ])
      assertProblem(answer, { status: 409, code: "name_taken" });
    await made(inner, { sql: `SELECT id FROM ${table}` });
    await made(outer, { sql: `SELECT id FROM ${inner}` });
    const cyclic = assertProblem(await put(inner, { sql: `SELECT id FROM ${outer}` }), {
      status: 422,
      code: "cyclic_dependency",
    });
    assert.equal(cyclic.details?.path, `${inner} → ${outer} → ${inner}`);
    const broken = assertProblem(await put(inner, { sql: `SELECT id AS other FROM ${table}` }), {
      status: 409,
      code: "entry_in_use",
    });
    assert.equal(broken.details?.view, outer);
    assertProblem(await server.client.send(`/v1/views/${inner}`, { method: "DELETE" }), {
      status: 409,
      code: "entry_in_use",
    });
    rmSync(`${warehouse}/${table}`, { recursive: true });
    const missing = assertProblem(await server.client.query({ sql: `SELECT * FROM ${outer}` }), {
      status: 422,
      code: "unknown_table",
    });
    assert.equal(missing.details?.path, `${outer} → ${inner}`);
  });

  it("have parameters in their URL, typed and with defaults", async () => {
    const table = await writing.table();
    const name = fresh("above");
    const parameters = { least: { type: "Int64", default: 0 }, place: { type: "Utf8" } };
    await made(name, {
      sql: `SELECT id FROM ${table} WHERE delay >= $least AND origin = $place ORDER BY id`,
      parameters,
    });
    assert.deepEqual(await rows(name, "place=SEA"), [{ id: 1 }]);
    assert.deepEqual(await rows(name, "place=SEA&least=-5"), [{ id: 1 }, { id: 3 }]);
    const at = (selection: string) => server.client.send(`/v1/views/${name}/rows?${selection}`);
    assertProblem(await at(""), { status: 422, code: "parameter_missing" });
    assertProblem(await at("place=SEA&least=many"), { status: 422, code: "parameter_invalid" });
    assertProblem(await at("place=SEA&most=1"), { status: 422, code: "parameter_invalid" });
    assertProblem(await server.client.query({ sql: `SELECT * FROM ${name}` }), {
      status: 422,
      code: "parameter_missing",
    });
    assertProblem(await put(name, { sql: "SELECT $format AS f", parameters: { format: { type: "Utf8" } } }), {
      status: 422,
      code: "invalid_entry",
    });
    const withDefault = fresh("default");
    const sql = `SELECT count(*) AS n FROM ${table} WHERE id <= $most`;
    await made(withDefault, { sql, parameters: { most: { type: "Int64", default: 2 } } });
    assert.deepEqual(await server.client.rows(`SELECT n FROM ${withDefault}`), [{ n: 2 }]);
  });

  it("send their rows in every format, with tags, conditions and ranges", async () => {
    const table = await writing.table();
    const name = fresh("formats");
    await made(name, { sql: `SELECT id, origin FROM ${table} ORDER BY id` });
    const url = `${server.url}/v1/views/${name}/rows`;
    const csv = await exchange(`${url}?format=csv`, {});
    assert.equal(csv.bytes.toString(), "id,origin\r\n1,SEA\r\n2,PDX\r\n3,SEA\r\n");
    const again = await exchange(`${url}?format=csv`, { headers: { "if-none-match": String(csv.headers.etag) } });
    assert.equal(again.status, 304);
    const part = await exchange(`${url}?format=parquet`, { headers: { range: "bytes=0-3" } });
    assert.deepEqual([part.status, part.bytes.toString()], [206, "PAR1"]);
    await writing.rows(table, [{ id: 4, origin: "LAX", delay: 1 }]);
    const later = await exchange(`${url}?format=csv`, { headers: { "if-none-match": String(csv.headers.etag) } });
    assert.equal(later.bytes.toString(), "id,origin\r\n1,SEA\r\n2,PDX\r\n3,SEA\r\n4,LAX\r\n");
  });

  it("are paths of the OpenAPI document as soon as they are registered", async () => {
    const name = fresh("described");
    const parameters = { least: { type: "Int64", default: 3, description: "The least." } };
    await made(name, { sql: "SELECT $least AS least", parameters, description: "One number." });
    type Document = { paths: Record<string, { get: { parameters: { name: string; schema: object }[] } }> };
    const { paths } = (await server.client.send("/openapi.json")).as<Document>();
    const operation = paths[`/v1/views/${name}/rows`]?.get;
    const parameter = operation?.parameters.find((candidate) => candidate.name === "least");
    assert.deepEqual(parameter?.schema, { type: "integer", default: 3 });
  });

  for (const cache_policy of ["memory", "disk", "delta"]) {
    it(`kept in ${cache_policy} give the rows of the newest commits, and are planned over what is kept`, async () => {
      const table = await writing.table();
      const [name, plain] = [fresh(cache_policy), fresh("plain")];
      const sql = `SELECT origin, count(*) AS flights, sum(delay) AS delay FROM ${table} GROUP BY origin`;
      await made(plain, { sql });
      await made(name, { sql, cache_policy });
      const question = `SELECT * FROM ${name} WHERE flights > 0 ORDER BY origin`;
      for (let round = 0; round < 5; round += 1) {
        const expected = await server.client.rows(question.replace(name, plain));
        assert.deepEqual(await server.client.rows(question), expected, `round ${round}`);
        assert.deepEqual(await server.client.rows(`SELECT max(flights) AS most FROM ${name}`), [{ most: 2 + round }]);
        await writing.rows(table, [{ id: 10 + round, origin: "SEA", delay: round }]);
      }
      const old = await server.client.query({ sql: question, tables: { [table]: { version: 1 } } });
      assert.equal(old.as<QueryAnswer>().row_count, 2);
      assertProblem(await put(fresh("volatile"), { sql: "SELECT random() AS r", cache_policy }), {
        status: 422,
        code: "invalid_entry",
      });
    });
  }

  it("kept in one another follow the commits below, however they are replaced", async () => {
    const table = await writing.table();
    const [low, high] = [fresh("low"), fresh("high")];
    await made(low, { sql: `SELECT id, delay FROM ${table}`, cache_policy: "delta" });
    await made(high, { sql: `SELECT count(*) AS n, sum(delay) AS delay FROM ${low}`, cache_policy: "disk" });
    assert.deepEqual(await rows(high), [{ n: 3, delay: 9 }]);
    await writing.rows(table, [{ id: 9, origin: "LAX", delay: 100 }]);
    assert.deepEqual(await rows(high), [{ n: 4, delay: 109 }]);
    const replaced = await put(low, { sql: `SELECT id, delay * 2 AS delay FROM ${table}`, cache_policy: "memory" });
    assert.equal(replaced.status, 200, replaced.text);
    assert.deepEqual(await rows(high), [{ n: 4, delay: 218 }]);
  });

  it("are held to a contract when they are registered", async () => {
    const table = await writing.table();
    const [contract, name] = [fresh("contract"), fresh("held")];
    const columns = [
      { name: "id", dtype: "Int64" },
      { name: "delay", dtype: "Float64" },
    ];
    const agree = (on_write: string) =>
      server.client.sendJson(`/v1/contracts/${contract}`, { columns, policy: "strict", on_write }, { method: "PUT" });
    const define = (sql: string) => put(name, { sql, contract });
    assertProblem(await define(`SELECT id FROM ${table}`), { status: 404, code: "contract_not_found" });
    assert.equal((await agree("enforce")).status, 201);
    const problem = assertProblem(await define(`SELECT id, delay, origin FROM ${table}`), {
      status: 422,
      code: "contract_violated",
    });
    const violations = (problem.details?.violations ?? []) as { violation_type: string }[];
    assert.deepEqual(violations.map((one) => one.violation_type).sort(), ["extra_column", "type_mismatch"]);
    assert.equal((await agree("warn")).status, 200);
    const warned = await define(`SELECT id, delay FROM ${table}`);
    assert.equal(warned.as<ViewDescription>().violations?.[0]?.violation_type, "type_mismatch", warned.text);
    assert.equal((await agree("enforce")).status, 200);
    const held = await define(`SELECT id, CAST(delay AS DOUBLE) AS delay FROM ${table}`);
    assert.deepEqual([held.status, held.as<ViewDescription>().contract], [200, contract], held.text);
    assertProblem(await server.client.send(`/v1/contracts/${contract}`, { method: "DELETE" }), {
      status: 409,
      code: "entry_in_use",
    });
  });

  it("survive a restart, with what is kept of them", async () => {
    const table = await writing.table();
    const [name, above] = [fresh("kept"), fresh("above")];
    await made(name, { sql: `SELECT count(*) AS n FROM ${table}`, cache_policy: "delta" });
    const view = await made(above, { sql: `SELECT n + 1 AS n FROM ${name}` });
    assert.deepEqual(await rows(above), [{ n: 4 }]);
    await server.stop();
    server = await startServer({ warehouse, state });
    assert.deepEqual((await server.client.send(`/v1/views/${above}`)).as(), view);
    assert.deepEqual(await rows(above), [{ n: 4 }]);
    await writing.rows(table, [{ id: 7, origin: "SEA", delay: 0 }]);
    assert.deepEqual(await rows(above), [{ n: 5 }]);
  });

  it("are planned through many levels, and refused where they grow beyond the limit", async () => {
    const table = await writing.table();
    const base = fresh("level");
    let below = table;
    for (let level = 0; level < 20; level += 1) {
      await made(`${base}_${level}`, { sql: `SELECT id, delay FROM ${below} WHERE id > ${-level}` });
      below = `${base}_${level}`;
    }
    assert.deepEqual(await server.client.rows(`SELECT count(*) AS n FROM ${below}`), [{ n: 3 }]);
    let doubled = fresh("doubled");
    await made(doubled, { sql: `SELECT id FROM ${table}` });
    let refused = 0;
    for (let level = 0; level < 12 && refused === 0; level += 1) {
      const next = fresh("doubled");
      const answer = await put(next, { sql: `SELECT a.id FROM ${doubled} a JOIN ${doubled} b ON a.id = b.id` });
      if (answer.status !== 201) refused = answer.status;
      doubled = next;
    }
    assert.equal(refused, 422);
  });
});
