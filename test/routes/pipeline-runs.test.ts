/** /v1/pipelines/{name}/runs: what runs compute, write, keep and refuse. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { PipelineRun, RunAcceptance, RunList, TableHistory } from "../../schemas/generated/index.js";
import { nodeOf, Pipelines } from "../fixture/pipelines.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { flights, Writing } from "../fixture/writing.js";

describe("runs of pipelines", () => {
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
  const restart = async () => {
    await server.stop();
    server = await startServer({ warehouse, state });
  };
  const history = async (table: string) =>
    (await server.client.send(`/v1/tables/${table}/history`)).as<TableHistory>().items;
  const rows = (table: string, order: string) => server.client.rows(`SELECT * FROM ${table} ORDER BY ${order}`);

  it("compute nodes over each other and write them", async () => {
    const source = await writing.table();
    const [name, target] = [fresh("delays"), fresh("by_origin")];
    await pipelines.made(name, [
      { name: "least", parameter: { type: "Int64", default: 0 } },
      { name: "known", sql: `SELECT origin, delay FROM ${source} WHERE delay IS NOT NULL AND delay > $least` },
      { name: "late", expressions: { of: "known", columns: { is_late: "delay > 10" } } },
      {
        name: "by_origin",
        sql: "SELECT origin, count(*) AS flights, sum(delay) AS delay FROM late GROUP BY origin",
        materialize: { table: target },
      },
    ]);
    const run = await pipelines.done(name, { parameters: { least: -5 } });
    assert.equal(run.changed, true);
    assert.deepEqual(run.parameters, { least: -5 });
    assert.deepEqual(
      run.nodes.map((node) => [node.name, node.status, node.cache, node.rows]),
      [
        ["known", "SUCCEEDED", "miss", 2],
        ["late", "SUCCEEDED", "miss", 2],
        ["by_origin", "SUCCEEDED", "miss", 1],
      ],
    );
    assert.deepEqual(
      run.sources.map((each) => [each.name, each.version]),
      [[source, 0]],
    );
    const written = nodeOf(run, "by_origin");
    assert.deepEqual([written.table, written.version, written.written], [target, 0, true]);
    assert.deepEqual(await rows(target, "origin"), [{ origin: "SEA", flights: 2, delay: 9 }]);
    const [commit] = await history(target);
    const { metadata = {} } = commit as unknown as { metadata?: Record<string, unknown> };
    const told = JSON.stringify({ commit, metadata });
    assert.ok(told.includes(run.run_id) && told.includes(`\\"${source}\\":0`), told);
  });

  it("make the table that a killed server had only begun to make", async () => {
    const [name, target] = [fresh("begun"), fresh("only_begun")];
    mkdirSync(join(warehouse, target, "_delta_log"), { recursive: true });
    await pipelines.made(name, [{ name: "one", sql: "SELECT 1 AS one", materialize: { table: target } }]);
    await pipelines.done(name, {});
    assert.deepEqual(await rows(target, "one"), [{ one: 1 }]);
  });

  it("compute and write nothing where nothing has changed, also after a restart", async () => {
    const source = await writing.table();
    const [name, target, other] = [fresh("same"), fresh("same_out"), fresh("other_out")];
    await pipelines.made(name, [
      { name: "known", sql: `SELECT id, origin FROM ${source}` },
      { name: "all_of", sql: "SELECT * FROM known", materialize: { table: target } },
      { name: "some_of", sql: "SELECT * FROM known WHERE id > 1", materialize: { table: other, mode: "append" } },
    ]);
    assert.equal((await pipelines.done(name)).changed, true);
    await restart();
    const again = await pipelines.done(name);
    assert.equal(again.changed, false);
    assert.ok(again.nodes.every((node) => node.cache === "skipped" && node.written !== true));
    assert.deepEqual([(await history(target)).length, (await history(other)).length], [1, 1]);
    await writing.rows(source, [{ id: 4, origin: "BOI", delay: 1 }], "mode=append");
    const changed = await pipelines.done(name);
    assert.equal(changed.changed, true);
    assert.equal((await rows(target, "id")).length, 4);
    assert.equal((await rows(other, "id")).length, 5);
  });

  it("compute again only what depends on what has changed", async () => {
    const [one, two] = [await writing.table(), await writing.table()];
    const [name, target] = [fresh("parts"), fresh("parts_out")];
    const nodes = [
      { name: "left_part", sql: `SELECT id FROM ${one}` },
      { name: "right_part", sql: `SELECT id FROM ${two}` },
      {
        name: "both_parts",
        sql: "SELECT left_part.id FROM left_part JOIN right_part USING (id)",
        materialize: { table: target },
      },
    ];
    await pipelines.made(name, nodes);
    await pipelines.done(name);
    await writing.rows(two, [{ id: 9, origin: "BOI", delay: 1 }], "mode=append");
    const run = await pipelines.done(name);
    assert.deepEqual(
      run.nodes.map((node) => [node.name, node.cache]),
      [
        ["left_part", "hit"],
        ["right_part", "miss"],
        ["both_parts", "miss"],
      ],
    );
  });

  it("compute rows again that were damaged where they are kept", async () => {
    const source = await writing.table();
    const name = fresh("damaged");
    const reading = (sql: string) => [
      { name: "kept_rows", sql: `SELECT id, delay FROM ${source}` },
      { name: "reading", sql },
    ];
    await pipelines.made(name, reading("SELECT count(*) AS found FROM kept_rows"));
    const { key = "" } = nodeOf(await pipelines.done(name), "kept_rows");
    const file = join(state, "results", `${key.replace(":", "~")}.arrow`);
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(40, 7), bytes.subarray(140)]));
    await pipelines.made(name, reading("SELECT sum(id) AS total FROM kept_rows"));
    const run = await pipelines.done(name);
    assert.deepEqual([nodeOf(run, "kept_rows").cache, nodeOf(run, "reading").rows], ["miss", 1]);
    await rm(file);
    await pipelines.made(name, reading("SELECT max(id) AS largest FROM kept_rows"));
    assert.equal(nodeOf(await pipelines.done(name), "kept_rows").cache, "miss");
  });

  it("follow the cache of each node", async () => {
    const source = await writing.table();
    const [name, target] = [fresh("caches"), fresh("caches_out")];
    const nodes = (sql: string) => [
      { name: "inner_rows", sql: `SELECT id FROM ${source}`, cache: "disable" as const },
      { name: "ignored", sql, cache: "ignore" as const },
      { name: "reading", sql: "SELECT inner_rows.id, ignored.x FROM inner_rows, ignored" },
      { name: "forced", sql: "SELECT 1 AS one", cache: "recompute" as const, materialize: { table: target } },
    ];
    await pipelines.made(name, nodes("SELECT 1 AS x"));
    const first = await pipelines.done(name);
    assert.deepEqual([nodeOf(first, "inner_rows").cache, nodeOf(first, "inner_rows").rows], ["skipped", undefined]);
    assert.equal(nodeOf(first, "reading").rows, 3);
    await pipelines.made(name, nodes("SELECT 2 AS x"));
    const second = await pipelines.done(name);
    assert.equal(nodeOf(second, "reading").cache, "hit");
    assert.deepEqual([nodeOf(second, "forced").cache, nodeOf(second, "forced").version], ["miss", 1]);
    const third = await pipelines.done(name, { cache: "recompute" });
    assert.deepEqual([nodeOf(third, "reading").cache, nodeOf(third, "ignored").cache], ["miss", "miss"]);
  });

  it("merge by keys, append and write files", async () => {
    const source = await writing.table();
    const [name, merged, appended] = [fresh("ways"), fresh("merged"), fresh("appended")];
    await pipelines.made(name, [
      {
        name: "origins",
        sql: `SELECT origin, count(*) AS flights FROM ${source} GROUP BY origin`,
        materialize: { table: merged, mode: "merge", keys: ["origin"] },
      },
      {
        name: "counted",
        sql: `SELECT count(*) AS flights FROM ${source}`,
        materialize: { table: appended, mode: "append" },
      },
      {
        name: "as_csv",
        sql: `SELECT id, origin FROM ${source} ORDER BY id`,
        materialize: { file: "all_rows", format: "csv" },
      },
      { name: "as_parquet", sql: `SELECT id FROM ${source}`, materialize: { file: "all_rows" } },
    ]);
    await pipelines.done(name);
    await writing.rows(
      source,
      [
        { id: 4, origin: "BOI", delay: 1 },
        { id: 5, origin: "SEA", delay: 1 },
      ],
      "mode=append",
    );
    const run = await pipelines.done(name);
    assert.deepEqual(await rows(merged, "origin"), [
      { origin: "BOI", flights: 1 },
      { origin: "PDX", flights: 1 },
      { origin: "SEA", flights: 3 },
    ]);
    assert.deepEqual(await rows(appended, "flights"), [{ flights: 3 }, { flights: 5 }]);
    const folder = join(warehouse, "_exports", name);
    assert.deepEqual(readdirSync(folder).sort(), ["all_rows.csv", "all_rows.parquet"]);
    assert.equal(
      readFileSync(join(folder, "all_rows.csv"), "utf8"),
      "id,origin\r\n1,SEA\r\n2,PDX\r\n3,SEA\r\n4,BOI\r\n5,SEA\r\n",
    );
    assert.equal(readFileSync(join(folder, "all_rows.parquet")).subarray(0, 4).toString(), "PAR1");
    assert.equal(nodeOf(run, "as_csv").file, `_exports/${name}/all_rows.csv`);
  });

  it("stop what a failed check guards, and warn where it only warns", async () => {
    const source = await writing.table();
    const [name, target, other] = [fresh("checked"), fresh("checked_out"), fresh("unchecked_out")];
    const nodes = (severity: "stop" | "warn") => [
      { name: "all_rows", sql: `SELECT * FROM ${source}`, materialize: { table: target } },
      {
        name: "has_delay",
        check: { of: "all_rows", not_null: ["delay"], rows: { early: "coalesce(delay, 0) > -3" }, severity },
      },
      { name: "are_known", check: { sql: "SELECT origin <> '' FROM all_rows" } },
      { name: "unguarded", sql: `SELECT id FROM ${source}`, materialize: { table: other } },
      { name: "after_it", sql: "SELECT id FROM all_rows" },
    ];
    await pipelines.made(name, nodes("stop"));
    const failed = await pipelines.run(name);
    assert.equal(failed.status, "FAILED");
    assert.equal(failed.error?.code, "check_failed");
    const check = nodeOf(failed, "has_delay");
    assert.equal(check.status, "FAILED");
    assert.deepEqual(check.offending, [
      { rule: "early", found: 1 },
      { rule: "not_null: delay", found: 1 },
    ]);
    assert.deepEqual(
      ["all_rows", "are_known", "unguarded", "after_it"].map((node) => nodeOf(failed, node).status),
      ["SKIPPED", "SUCCEEDED", "SUCCEEDED", "SKIPPED"],
    );
    assert.equal((await server.client.send(`/v1/tables/${target}`)).status, 404);
    await pipelines.made(name, nodes("warn"));
    const warned = await pipelines.done(name);
    assert.equal(nodeOf(warned, "has_delay").warnings?.length, 1);
    assert.equal((await rows(target, "id")).length, 3);
  });

  it("read all tables at one version, those that are pinned at theirs", async () => {
    const source = await writing.table();
    await writing.rows(source, [{ id: 4, origin: "BOI", delay: 1 }], "mode=append");
    const name = fresh("pinned");
    await pipelines.made(name, [
      { name: "counted", sql: `SELECT count(*) AS flights FROM ${source}` },
      { name: "again", sql: `SELECT flights, (SELECT count(*) FROM ${source}) AS same FROM counted` },
    ]);
    const run = await pipelines.done(name, { tables: { [source]: { version: 0 } } });
    assert.deepEqual(
      run.sources.map(({ version }) => version),
      [0],
    );
    const result = await server.client.send(`/v1/queries/${nodeOf(run, "again").query_id}/result`);
    assert.deepEqual(result.as<{ data: unknown[] }>().data, [{ flights: 3, same: 3 }]);
  });

  it("read each view by one definition, also when it is changed while they run, and when they are retried", async () => {
    const source = await writing.table();
    const name = fresh("viewed");
    const define = async (view: string, sql: string) => {
      const answer = await server.client.sendJson(`/v1/views/${view}`, { sql }, { method: "PUT" });
      assert.ok(answer.status < 300, answer.text);
    };
    const add = async (value: number) => {
      const macro = { parameters: [{ name: "x" }], expression: `x + ${value}` };
      const answer = await server.client.sendJson("/v1/functions/added_in_views", macro, { method: "PUT" });
      assert.ok(answer.status < 300, answer.text);
    };
    await add(1);
    await define(`${name}_below`, `SELECT added_in_views(id) AS id FROM ${source}`);
    await define(`${name}_view`, `SELECT sum(id) AS total FROM ${name}_below`);
    const slow = "SELECT count(*) AS n FROM generate_series(1, 30000) a, generate_series(1, 10000) b";
    await pipelines.made(name, [
      { name: "before", sql: `SELECT total FROM ${name}_view` },
      { name: "slow", sql: slow, cache: "recompute", after: ["before"] },
      { name: "late", sql: `SELECT total, 1 AS again FROM ${name}_view`, after: ["slow"] },
      { name: "same", check: { sql: "SELECT before.total = late.total FROM before, late" } },
      {
        name: "written",
        sql: `SELECT total FROM ${name}_view`,
        materialize: { table: `${name}_out`, mode: "append" },
        after: ["same"],
      },
    ]);
    await writing.create(`${name}_out`, { columns: [{ name: "other", dtype: "Utf8" }] });
    const started = (await pipelines.start(name)).as<RunAcceptance>();
    await add(100);
    await define(`${name}_below`, `SELECT 1000 AS id FROM ${source}`);
    await define(`${name}_view`, `SELECT DISTINCT 7 AS total FROM ${name}_below`);
    const run = await pipelines.ended(started.status_url);
    assert.equal(nodeOf(run, "same").status, "SUCCEEDED", JSON.stringify(run));
    assert.deepEqual(run.views?.map((view) => view.name).sort(), [`${name}_below`, `${name}_view`]);
    const totals = async (found: PipelineRun, node: string) => {
      const result = await server.client.send(`/v1/queries/${nodeOf(found, node).query_id}/result`);
      return result.as<{ data: unknown[] }>().data;
    };
    assert.deepEqual(await totals(run, "late"), [{ total: 9, again: 1 }]);
    assert.equal(nodeOf(run, "written").status, "FAILED");
    await restart();
    await server.client.send(`/v1/tables/${name}_out?purge=true`, { method: "DELETE" });
    assert.equal((await server.client.sendJson(`${started.status_url}/retry`, {})).status, 202);
    const retried = await pipelines.ended(started.status_url);
    assert.equal(retried.status, "SUCCEEDED", JSON.stringify(retried));
    assert.deepEqual(retried.views, run.views);
    assert.deepEqual(await rows(`${name}_out`, "total"), [{ total: 9 }]);
    const next = await pipelines.done(name);
    assert.notDeepEqual(next.views, run.views);
    assert.deepEqual(await totals(next, "late"), [{ total: 7, again: 1 }]);
  });

  it("wait for others of their pipeline, and then read the tables as they are", async () => {
    const source = await writing.table();
    const name = fresh("waiting");
    const slow = "SELECT count(*) AS n FROM generate_series(1, 30000) a, generate_series(1, 10000) b";
    await pipelines.made(name, [
      { name: "slow", sql: slow, cache: "recompute" },
      { name: "copied", sql: `SELECT id FROM ${source}`, after: ["slow"] },
    ]);
    const [first, second] = [await pipelines.start(name), await pipelines.start(name)];
    await writing.rows(source, [{ id: 9, origin: "BOI", delay: 1 }], "mode=append");
    const runs = [first, second].map((answer) => pipelines.ended(answer.as<RunAcceptance>().status_url));
    const [before, after] = await Promise.all(runs);
    assert.deepEqual([before?.sources[0]?.version, after?.sources[0]?.version], [0, 1]);
    assert.ok(String(before?.finished_at) <= String(after?.started_at));
  });

  it("run some nodes, and others in their place", async () => {
    const source = await writing.table();
    const name = fresh("some");
    await pipelines.made(name, [
      { name: "base", sql: `SELECT id FROM ${source}`, overridable: true },
      { name: "wanted", sql: "SELECT count(*) AS found FROM base" },
      { name: "unwanted", sql: "SELECT max(id) AS largest FROM base" },
      { name: "base_is_there", check: { sql: "SELECT count(*) > 0 FROM base" } },
      { name: "fixed", sql: "SELECT 1 AS one" },
    ]);
    const run = await pipelines.done(name, { targets: ["wanted"], overrides: { base: { sql: "SELECT 7 AS id" } } });
    assert.deepEqual(
      run.nodes.map((node) => node.name),
      ["base", "base_is_there", "wanted"],
    );
    assert.equal(nodeOf(run, "base").rows, 1);
    assertProblem(await pipelines.start(name, { overrides: { fixed: { sql: "SELECT 2 AS one" } } }), {
      status: 422,
      code: "invalid_entry",
    });
    assertProblem(await pipelines.start(name, { targets: ["nothing"] }), { status: 400, code: "invalid_request" });
    assertProblem(await pipelines.start(name, { mode: "plan_parallel_remote" }), {
      status: 501,
      code: "not_implemented",
    });
    assertProblem(await pipelines.start(name, { parameters: { x: 1 } }), { status: 422, code: "parameter_invalid" });
  });

  it("go on from the node that failed, over the same versions", async () => {
    const source = await writing.table([...flights, { id: 0, origin: "AAA", delay: 1 }]);
    const [name, good, bad] = [fresh("retried"), fresh("good_out"), fresh("bad_out")];
    await pipelines.made(name, [
      { name: "good", sql: `SELECT count(*) AS found FROM ${source}`, materialize: { table: good, mode: "append" } },
      { name: "bad", sql: `SELECT count(*) AS found FROM ${source}`, materialize: { table: bad, mode: "append" } },
    ]);
    await writing.create(bad, { columns: [{ name: "other", dtype: "Utf8" }] });
    const failed = await pipelines.run(name);
    assert.equal(failed.status, "FAILED", JSON.stringify(failed));
    assert.deepEqual(
      ["good", "bad"].map((node) => nodeOf(failed, node).status),
      ["SUCCEEDED", "FAILED"],
    );
    await writing.rows(source, [{ id: 9, origin: "BOI", delay: 1 }], "mode=append");
    await server.client.send(`/v1/tables/${bad}?purge=true`, { method: "DELETE" });
    const path = `/v1/pipelines/${name}/runs/${failed.run_id}`;
    assert.equal((await server.client.sendJson(`${path}/retry`, {})).status, 202);
    const run = await pipelines.ended(path);
    assert.equal(run.status, "SUCCEEDED", JSON.stringify(run));
    assert.equal(run.attempts, 2);
    assert.deepEqual([await rows(good, "found"), await rows(bad, "found")], [[{ found: 4 }], [{ found: 4 }]]);
    assertProblem(await server.client.sendJson(`${path}/retry`, {}), { status: 409, code: "run_not_retryable" });
  });

  it("are started once by a key, also after a restart", async () => {
    const name = fresh("keyed");
    await pipelines.made(name, [{ name: "one", sql: "SELECT 1 AS one" }]);
    const headers = { "idempotency-key": "night" };
    const first = (await pipelines.start(name, {}, headers)).as<RunAcceptance>();
    await pipelines.ended(first.status_url);
    await restart();
    const second = (await pipelines.start(name, {}, headers)).as<RunAcceptance>();
    assert.deepEqual([second.run_id, second.status], [first.run_id, "SUCCEEDED"]);
    assertProblem(await pipelines.start(name, { targets: ["one"] }, headers), {
      status: 422,
      code: "idempotency_key_reused",
    });
    const { items } = (await server.client.send(`/v1/pipelines/${name}/runs`)).as<RunList>();
    assert.deepEqual(
      items.map(({ run_id }) => run_id),
      [first.run_id],
    );
  });

  it("tell each change as an event, and go on where a connection was lost", async () => {
    const name = fresh("told");
    await pipelines.made(name, [
      { name: "one", sql: "SELECT 1 AS one" },
      { name: "two", sql: "SELECT one + 1 AS two FROM one" },
    ]);
    const { events_url } = (await pipelines.start(name)).as<RunAcceptance>();
    const answer = await server.client.send(events_url);
    assert.equal(answer.headers.get("content-type"), "text/event-stream");
    const events = answer.text.split("\n\n").filter((text) => text.startsWith("id: "));
    const last = events.at(-1)?.split("\n") ?? [];
    assert.equal(last[1], "event: run");
    assert.equal(JSON.parse(String(last[2]).slice("data: ".length)).status, "SUCCEEDED");
    const told = events
      .filter((text) => text.includes("event: node"))
      .map((text) => text.slice(text.indexOf("data: ") + 6));
    assert.ok(told.some((text) => JSON.parse(text).name === "two" && JSON.parse(text).status === "SUCCEEDED"));
    const rest = await server.client.send(events_url, {
      headers: { "last-event-id": String(last[0]).slice("id: ".length) },
    });
    assert.equal(rest.text, "");
  });

  it("stop when they are canceled", async () => {
    const name = fresh("canceled");
    await pipelines.made(name, [
      { name: "long", sql: "SELECT count(*) AS found FROM generate_series(1, 100000) a, generate_series(1, 100000) b" },
      { name: "after_it", sql: "SELECT * FROM long" },
    ]);
    const { status_url } = (await pipelines.start(name)).as<RunAcceptance>();
    assertProblem(await server.client.send(`/v1/pipelines/${name}`, { method: "DELETE" }), {
      status: 409,
      code: "entry_in_use",
    });
    await server.client.send(status_url, { method: "DELETE" });
    const run = await pipelines.ended(status_url);
    assert.deepEqual([run.status, nodeOf(run, "after_it").status], ["CANCELED", "SKIPPED"]);
    assert.equal((await server.client.send(status_url, { method: "DELETE" })).as<PipelineRun>().status, "CANCELED");
    assert.equal((await server.client.send(`/v1/pipelines/${name}`, { method: "DELETE" })).status, 204);
    assertProblem(await server.client.send(status_url), { status: 404, code: "run_not_found" });
  });
});
