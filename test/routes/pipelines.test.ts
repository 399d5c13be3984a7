/** /v1/pipelines: registered once all of them is planned, refused with every fault, and drawn. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { encode } from "@msgpack/msgpack";
import type {
  PipelineDescription,
  PipelineGraph,
  PipelineList,
  PipelineRun,
  Problem,
  RunAcceptance,
} from "../../schemas/generated/index.js";
import type { Answer } from "../fixture/client.js";
import { bearer, startGuarded } from "../fixture/keys.js";
import { Pipelines } from "../fixture/pipelines.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { Writing } from "../fixture/writing.js";

describe("pipelines", () => {
  const warehouse = temporaryFolder();
  const state = temporaryFolder();
  let server: TestServer;
  const writing = new Writing(() => server.client);
  const pipelines = new Pipelines(() => server.client);

  before(async () => {
    server = await startServer({ warehouse, state });
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true });
    rmSync(state, { recursive: true });
  });

  let numbered = 0;
  const fresh = (prefix: string) => `${prefix}_${numbered++}`;
  /** Place and message of each fault. */
  const faults = (answer: Answer): [string, string][] => {
    assertProblem(answer, { status: 422, code: "invalid_entry" });
    return (answer.as<Problem>().errors ?? []).map(({ pointer, message }) => [pointer, message]);
  };
  const graph = async (name: string, selection = "") => {
    const answer = await server.client.send(`/v1/pipelines/${name}/graph?${selection}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.as<PipelineGraph>();
  };
  const ids = ({ nodes }: PipelineGraph) => nodes.map(({ id }) => id).sort();

  it("are registered, shown, listed, replaced and removed, also after a restart", async () => {
    const source = await writing.table();
    const name = fresh("kept");
    const nodes = [
      { name: "most", parameter: { type: "Int64", default: 5 } },
      { name: "second", sql: "SELECT origin, count(*) AS flights FROM first GROUP BY origin", tags: ["facts"] },
      { name: "first", sql: `SELECT origin FROM ${source} WHERE delay < $most` },
    ];
    const made = await pipelines.put(name, nodes);
    assert.equal(made.status, 201, made.text);
    assert.equal(made.headers.get("location"), `/v1/pipelines/${name}`);
    const description = made.as<PipelineDescription>();
    assert.deepEqual(
      description.nodes.map((node) => [node.name, node.kind, node.dependencies, node.sources]),
      [
        ["most", "parameter", [], []],
        ["first", "sql", ["most"], [source]],
        ["second", "sql", ["first"], []],
      ],
    );
    const columns = description.nodes[2]?.columns.map(({ name, dtype }) => [name, dtype]);
    assert.deepEqual(columns, [
      ["origin", "Utf8"],
      ["flights", "Int64"],
    ]);
    await server.stop();
    server = await startServer({ warehouse, state });
    const shown = await server.client.send(`/v1/pipelines/${name}`);
    assert.deepEqual(shown.as(), description);
    const tag = String(shown.headers.get("etag"));
    const asked = { headers: { "if-none-match": tag } };
    assert.equal((await server.client.send(`/v1/pipelines/${name}`, asked)).status, 304);
    const { items } = (await server.client.send("/v1/pipelines?limit=1000")).as<PipelineList>();
    assert.deepEqual(
      items.map((item) => [item.name, item.node_count]),
      [[name, 3]],
    );
    const stale = { method: "DELETE", headers: { "if-match": '"other"' } };
    assertProblem(await server.client.send(`/v1/pipelines/${name}`, stale), {
      status: 412,
      code: "precondition_failed",
    });
    const removal = { method: "DELETE", headers: { "if-match": tag } };
    assert.equal((await server.client.send(`/v1/pipelines/${name}`, removal)).status, 204);
    assertProblem(await server.client.send(`/v1/pipelines/${name}`), { status: 404, code: "pipeline_not_found" });
  });

  it("come as MessagePack too", async () => {
    const body = encode({ modules: [{ name: "core", nodes: [{ name: "one", sql: "SELECT 1 AS one" }] }] });
    const headers = { "content-type": "application/vnd.msgpack" };
    const answer = await server.client.send(`/v1/pipelines/${fresh("packed")}`, { method: "PUT", headers, body });
    assert.equal(answer.status, 201, answer.text);
  });

  it("are refused with every fault and its place", async () => {
    const source = await writing.table();
    const found = faults(
      await pipelines.put(fresh("wrong"), [
        { name: "left_one", sql: "SELECT * FROM right_one" },
        { name: "right_one", sql: "SELECT * FROM left_one" },
        { name: "idle", parameter: { type: "Int64" } },
        { name: "unparsed", sql: "SELEC 1" },
        { name: "base", sql: `SELECT id, origin FROM ${source}` },
        { name: "no_column", sql: "SELECT delay FROM base" },
        { name: "no_table", sql: "SELECT * FROM nowhere" },
        { name: "no_type", sql: "SELECT origin - INTERVAL '1 day' AS day FROM base" },
        { name: "no_value", sql: "SELECT * FROM base WHERE id = $missing" },
        {
          name: "aggregating",
          expressions: { of: "base", columns: { all: "max(id)", numbered: "row_number() OVER ()" } },
        },
        { name: "late", sql: "SELECT 1 AS one", after: ["nobody"] },
        { name: "reading_wrong", sql: "SELECT * FROM no_column" },
      ]),
    );
    const at = (node: number) => found.filter(([pointer]) => `${pointer}/`.startsWith(`/modules/0/nodes/${node}/`));
    assert.match(String(at(0)), /cycle: left_one, right_one/);
    assert.match(String(at(2)), /no node takes/);
    assert.match(String(at(3)), /SELEC/);
    assert.match(String(at(5)), /delay/);
    assert.match(String(at(6)), /nowhere/);
    assert.equal(at(7).length, 1);
    assert.match(String(at(8)), /\$missing/);
    assert.deepEqual(
      at(9).map(([pointer]) => pointer),
      ["/modules/0/nodes/9/expressions/columns/all", "/modules/0/nodes/9/expressions/columns/numbered"],
    );
    assert.deepEqual(at(10), [["/modules/0/nodes/10/after/0", "names no node: there is no 'nobody'"]]);
    assert.deepEqual([...at(1), ...at(4), ...at(11)], []);
  });

  it("are refused with what is wrong with where they write", async () => {
    const sql = "SELECT 1 AS one";
    const found = faults(
      await pipelines.put(fresh("writes"), [
        { name: "a", sql, materialize: { table: "same", mode: "merge" } },
        { name: "b", sql, materialize: { table: "same", mode: "merge", keys: ["two"] } },
        { name: "c", sql, materialize: { table: "other", keys: ["one"], partition_columns: ["two"] } },
        { name: "d", check: { sql }, materialize: { file: "other" } },
        { name: "__proto__", sql },
      ]),
    );
    assert.deepEqual(found, [
      ["/modules/0/nodes/4/name", "is a name that no node can have"],
      ["/modules/0/nodes/0/materialize/keys", "are required for a merge"],
      ["/modules/0/nodes/1/materialize", "writes the table same, which 'a' writes too"],
      ["/modules/0/nodes/1/materialize/keys/0", "names no column: 'two'"],
      ["/modules/0/nodes/2/materialize/keys", "go with a merge into a table"],
      ["/modules/0/nodes/2/materialize/partition_columns/0", "names no column: 'two'"],
      ["/modules/0/nodes/3/materialize", "is of a check, which is not written"],
    ]);
  });

  it("have nodes of any name", async () => {
    const name = fresh("named");
    await pipelines.made(name, [
      { name: "constructor", sql: "SELECT 1 AS one" },
      { name: "toString", sql: "SELECT * FROM constructor" },
      { name: "valueOf", sql: 'SELECT * FROM "toString"' },
    ]);
    const run = await pipelines.done(name);
    assert.deepEqual(
      run.nodes.map((node) => node.name),
      ["constructor", "toString", "valueOf"],
    );
  });

  it("are part of the catalog", async () => {
    const name = fresh("cataloged");
    await pipelines.made(name, [{ name: "one", sql: "SELECT 1 AS one" }]);
    const shown = await server.client.send("/v1/registries/pipelines/snapshot");
    const { catalog } = shown.as<{ catalog: { pipelines: Record<string, object> } }>();
    assert.ok(name in catalog.pipelines, shown.text);
    await server.client.send(`/v1/pipelines/${name}`, { method: "DELETE" });
    const restored = await server.client.sendJson("/v1/registries/snapshot", catalog, { method: "PUT" });
    assert.equal(restored.status, 200, restored.text);
    assert.equal((await server.client.send(`/v1/pipelines/${name}`)).status, 200);
  });

  it("let later modules replace only what they may", async () => {
    const base = [
      { name: "open_node", sql: "SELECT 1 AS one", overridable: true },
      { name: "closed_node", sql: "SELECT 1 AS one" },
    ];
    const later = (node: string) => ({ name: "later", nodes: [{ name: node, sql: "SELECT 2 AS two" }] });
    const name = fresh("modules");
    const made = await pipelines.define(name, { modules: [{ name: "base", nodes: base }, later("open_node")] });
    assert.equal(made.status, 201, made.text);
    const { nodes } = made.as<PipelineDescription>();
    assert.deepEqual(
      nodes.map((node) => [node.name, node.module]),
      [
        ["closed_node", "base"],
        ["open_node", "later"],
      ],
    );
    const refused = await pipelines.define(name, { modules: [{ name: "base", nodes: base }, later("closed_node")] });
    assert.deepEqual(faults(refused), [
      ["/modules/1/nodes/0/name", "takes the place of 'closed_node' of 'base', which is not overridable"],
    ]);
    const twice = await pipelines.put(name, [...base, { name: "open_node", sql: "SELECT 1 AS one" }]);
    assert.match(String(faults(twice)), /second node 'open_node'/);
  });

  it("hold no node that a view would mistake for its table", async () => {
    const source = await writing.table();
    const view = fresh("seen");
    await server.client.sendJson(`/v1/views/${view}`, { sql: `SELECT * FROM ${source}` }, { method: "PUT" });
    const found = faults(
      await pipelines.put(fresh("captured"), [
        { name: source, sql: "SELECT 1 AS one" },
        { name: "reading", sql: `SELECT * FROM ${view}` },
      ]),
    );
    assert.match(String(found), /is the name of a node here/);
  });

  it("refuse one table at two versions", async () => {
    const source = await writing.table();
    await writing.rows(source, [{ id: 9, origin: "BOI", delay: 1 }], "mode=append");
    const found = faults(
      await pipelines.put(fresh("two"), [
        { name: "earlier", table: source, pin: { version: 0 } },
        { name: "other", table: source, pin: { version: 1 } },
      ]),
    );
    assert.deepEqual(found, [["/modules/0/nodes/1/pin", `has '${source}' read at two versions in one run`]]);
    const name = fresh("one");
    await pipelines.made(name, [
      { name: "old", table: source, pin: { version: 0 } },
      { name: "counted", sql: `SELECT count(*) AS found FROM old, (SELECT 1 FROM ${source} LIMIT 1)` },
    ]);
    const run = await pipelines.done(name);
    assert.deepEqual(
      run.sources.map(({ version }) => version),
      [0],
    );
  });

  it("show where tables and columns come from", async () => {
    const source = await writing.table();
    const view = fresh("view");
    await server.client.sendJson(
      `/v1/views/${view}`,
      { sql: `SELECT id, delay * 2 AS twice FROM ${source}` },
      { method: "PUT" },
    );
    const name = fresh("lineage");
    await pipelines.made(name, [
      { name: "limit_of", parameter: { type: "Int64", default: 0 } },
      { name: "base", sql: `SELECT id, origin, delay + 1 AS delay FROM ${source} WHERE id > $limit_of` },
      {
        name: "joined",
        sql: `SELECT base.origin, sum(base.delay + v.twice) AS total, 1 AS fixed FROM base JOIN ${view} v USING (id) GROUP BY 1`,
        materialize: { table: "totals" },
      },
      { name: "is_there", check: { of: "joined", not_null: ["total"] } },
    ]);
    const all = await graph(name);
    assert.deepEqual(
      ids(all),
      ["base", "is_there", "joined", "limit_of", "output:totals", `source:${source}`, `source:${view}`].sort(),
    );
    const columns = Object.fromEntries(
      all.nodes.map(({ id, columns = [] }) => [id, Object.fromEntries(columns.map(({ name, from }) => [name, from]))]),
    );
    assert.deepEqual(columns.joined, {
      origin: [{ relation: "base", column: "origin" }],
      total: [
        { relation: "base", column: "delay" },
        { relation: source, column: "delay" },
      ],
      fixed: [],
    });
    assert.deepEqual(columns.base?.delay, [{ relation: source, column: "delay" }]);
    assert.ok(all.edges.some(({ from, to }) => from === `source:${source}` && to === `source:${view}`));
    assert.ok(all.edges.some(({ from, to, kind }) => from === "joined" && to === "is_there" && kind === "checks"));
    assert.deepEqual(ids(await graph(name, "upstream_of=base")), ["base", "limit_of", `source:${source}`]);
    assert.deepEqual(ids(await graph(name, "downstream_of=base")), ["base", "is_there", "joined", "output:totals"]);
    assert.deepEqual(ids(await graph(name, `downstream_of=${view}&upstream_of=totals`)), [
      "joined",
      "output:totals",
      `source:${view}`,
    ]);
    assertProblem(await server.client.send(`/v1/pipelines/${name}/graph?upstream_of=nothing`), {
      status: 400,
      code: "invalid_request",
    });
  });

  it("are drawn as Mermaid and Graphviz", async () => {
    const name = fresh("drawn");
    await pipelines.made(name, [
      { name: "one", sql: "SELECT 1 AS one" },
      { name: "two", sql: "SELECT * FROM one" },
    ]);
    const path = `/v1/pipelines/${name}/graph`;
    const mermaid = await server.client.send(`${path}?format=mermaid`);
    assert.equal(mermaid.text, 'flowchart LR\n  n0["one"]\n  n1["two"]\n  n0 --> n1\n');
    const graphviz = await server.client.send(path, { headers: { accept: "text/vnd.graphviz" } });
    assert.match(graphviz.text, /^digraph pipeline \{\n[^}]*"one" -> "two"/);
    assertProblem(await server.client.send(path, { headers: { accept: "image/png" } }), {
      status: 406,
      code: "not_acceptable",
    });
  });
});

describe("pipelines of callers with keys", () => {
  const warehouse = temporaryFolder();
  let server: Awaited<ReturnType<typeof startGuarded<"all" | "runner" | "reader" | "other">>>;
  const send = (key: string, path: string, method = "GET", body?: object) =>
    server.client.send(path, {
      method,
      headers: { ...bearer(key), ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    });

  before(async () => {
    const own = { visible: ["open_*"] };
    server = await startGuarded(
      {
        all: { scopes: ["read", "write", "admin"] },
        runner: { scopes: ["read", "write"], terms: own },
        reader: { scopes: ["read"], terms: own },
        other: { scopes: ["read", "write"], terms: { visible: ["nothing"] } },
      },
      { warehouse },
    );
    const { all } = server.keys;
    assert.equal((await send(all, "/v1/tables/hidden/rows?mode=create", "POST", [{ id: 1 }, { id: 2 }])).status, 201);
    assert.equal((await send(all, "/v1/views/open_ids", "PUT", { sql: "SELECT id FROM hidden" })).status, 201);
    const nodes = [
      { name: "base", sql: "SELECT id FROM open_ids", overridable: true },
      { name: "counted", sql: "SELECT count(*) AS found FROM base", materialize: { table: "open_counts" } },
    ];
    const put = await send(all, "/v1/pipelines/open_facts", "PUT", { modules: [{ name: "core", nodes }] });
    assert.equal(put.status, 201, put.text);
  });
  after(async () => {
    await server.stop();
    rmSync(server.state, { recursive: true, force: true });
    rmSync(warehouse, { recursive: true, force: true });
  });

  it("read what their callers may name, and views what those who registered them may", async () => {
    const { runner, reader } = server.keys;
    assertProblem(await send(reader, "/v1/pipelines/open_facts/runs", "POST", {}), {
      status: 403,
      code: "scope_missing",
    });
    const { status_url } = (await send(runner, "/v1/pipelines/open_facts/runs", "POST", {})).as<RunAcceptance>();
    let run = (await send(reader, status_url)).as<PipelineRun>();
    while (run.finished_at === undefined) run = (await send(reader, status_url)).as<PipelineRun>();
    assert.equal(run.status, "SUCCEEDED", JSON.stringify(run));
    const answer = await server.client.query("SELECT * FROM open_counts", bearer(reader));
    assert.deepEqual(answer.as<{ data: unknown[] }>().data, [{ found: 2 }]);
    const computed = run.nodes.find(({ name }) => name === "base")?.query_id;
    assert.equal((await send(runner, `/v1/queries/${computed}`)).status, 200);
    assertProblem(await send(reader, `/v1/queries/${computed}`), { status: 404, code: "query_not_found" });
    const closed = [{ name: "core", nodes: [{ name: "base", sql: "SELECT id FROM hidden" }] }];
    assert.equal((await send(server.keys.all, "/v1/pipelines/open_closed", "PUT", { modules: closed })).status, 201);
    const refused = await send(runner, "/v1/pipelines/open_closed/runs", "POST", {});
    assertProblem(refused, { status: 422, code: "invalid_entry" });
  });

  it("are hidden from those who may not name them", async () => {
    const { other, reader } = server.keys;
    for (const path of ["", "/graph", "/runs"]) {
      const answer = await send(other, `/v1/pipelines/open_facts${path}`);
      assertProblem(answer, { status: 404, code: "pipeline_not_found" });
    }
    assert.deepEqual((await send(other, "/v1/pipelines")).as<PipelineList>().items, []);
    assert.ok((await send(reader, "/v1/pipelines")).as<PipelineList>().items.length >= 1);
  });

  it("let nobody read through an override what they may not name", async () => {
    const { runner } = server.keys;
    const overrides = [{ sql: "SELECT id FROM hidden" }, { table: "hidden" }, { sql: "SELECT idd FROM hidden" }];
    for (const override of overrides) {
      const answer = await send(runner, "/v1/pipelines/open_facts/runs", "POST", { overrides: { base: override } });
      assertProblem(answer, { status: 422, code: "invalid_entry", detail: /There is no table 'hidden'/ });
      assert.doesNotMatch(answer.text, /closest|Did you mean/);
    }
  });
});
