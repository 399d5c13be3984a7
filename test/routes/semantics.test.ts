/** /v1/semantics: registering models, and asking them. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { decode } from "../../engine/codec.js";
import type { QueryAnswer, SemanticEntry, SemanticList, SemanticModel } from "../../schemas/generated/index.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { rowTypes } from "../fixture/writing.js";

const model: SemanticModel = {
  semantic_id: "flights.v1",
  kind: "fact",
  entity: "flight",
  grain: ["date", "origin", "destination"],
  version: "1.0.0",
  stability: "stable",
  relation: "flights",
  joins: [
    { name: "departure", relation: "airports", on: "origin = departure.iata" },
    { name: "arrival", relation: "airports", on: "destination = arrival.iata AND arrival.country = departure.country" },
  ],
  dimensions: [
    { name: "origin", expression: "origin" },
    { name: "From State", expression: "departure.state" },
    { name: "to_state", expression: "arrival.state" },
    { name: "departed", expression: "date", time_grains: ["day", "month", "year"] },
    { name: "long", expression: "distance > 1000" },
  ],
  metrics: [
    { name: "flights", expression: "count(*)" },
    { name: "late", expression: "count(*)", filter: "delay > 15" },
    {
      name: "late_share",
      expression: "sum(CASE WHEN delay > 15 THEN 1 ELSE 0 END) * 1.0 / count(*)",
      filter: "distance > 1000",
    },
    { name: "farthest", expression: "max(distance)" },
  ],
};

describe("semantic models", () => {
  let server: TestServer;
  const state = temporaryFolder();

  before(async () => {
    server = await startServer({ state });
    const { metrics = [], ...rest } = model;
    const answer = await put("flights", {
      ...rest,
      metrics: metrics.map((metric) => (metric.filter === "long" ? { ...metric, filter: "distance > 1000" } : metric)),
    });
    assert.equal(answer.status, 201, answer.text);
  });
  after(() => server.stop());

  const put = (name: string, body: unknown, headers: Record<string, string> = {}) =>
    server.client.sendJson(`/v1/semantics/${name}`, body, { method: "PUT", headers });
  const ask = (question: object, headers: Record<string, string> = {}) =>
    server.client.sendJson("/v1/semantics/flights/query", question, { headers });
  const asked = async (question: object): Promise<QueryAnswer> => {
    const answer = await ask(question);
    assert.equal(answer.status, 200, answer.text);
    return answer.as<QueryAnswer>();
  };
  const rows = async (question: object) => (await asked(question)).data;

  describe("the registry", () => {
    it("registers, shows and forgets a model under conditions, and keeps it over a restart", async () => {
      const created = await put("kept", model, { "if-none-match": "*" });
      assert.equal(created.status, 201, created.text);
      const tag = created.headers.get("etag") ?? "";
      await server.stop();
      server = await startServer({ state });
      const shown = await server.client.send("/v1/semantics/kept");
      assert.equal(shown.headers.get("etag"), tag);
      assert.equal(shown.as<SemanticEntry>().model.semantic_id, "flights.v1");
      const list = (await server.client.send("/v1/semantics?limit=1")).as<SemanticList>();
      assert.deepEqual([list.items.map(({ name }) => name), typeof list.next_cursor], [["flights"], "string"]);
      const refused = await put("kept", model, { "if-match": '"another"' });
      assertProblem(refused, { status: 412, code: "precondition_failed" });
      assert.equal((await server.client.send("/v1/semantics/kept", { method: "DELETE" })).status, 204);
      assertProblem(await server.client.send("/v1/semantics/kept"), { status: 404, code: "semantic_model_not_found" });
    });

    it("lists blank texts, names that occur twice and wrong expressions at once", async () => {
      const answer = await put("wrong", {
        ...model,
        semantic_id: "",
        entity: "  ",
        grain: ["date", ""],
        schema_ref: "no_contract",
        joins: [{ name: "flights", relation: "", on: "origin =" }],
        dimensions: [
          { name: "origin", expression: "" },
          { name: "origin", expression: "max(delay)" },
        ],
        metrics: [
          { name: "flights", expression: "delay + 1" },
          { name: "origin", expression: "count(*) FROM flights" },
          { name: "late", expression: "count(*)", filter: "count(*) > 1" },
          { name: "hidden", expression: "sum((SELECT 1))" },
        ],
      });
      const problem = assertProblem(answer, { status: 422, code: "invalid_entry", kind: "validation" });
      assert.deepEqual(problem.errors?.map(({ pointer }) => pointer).sort(), [
        "/dimensions/0/expression",
        "/dimensions/1/expression",
        "/dimensions/1/name",
        "/entity",
        "/grain/1",
        "/joins/0/name",
        "/joins/0/on",
        "/joins/0/relation",
        "/metrics/0/expression",
        "/metrics/1/expression",
        "/metrics/1/name",
        "/metrics/2/filter",
        "/metrics/3/expression",
        "/schema_ref",
        "/semantic_id",
      ]);
    });

    it("lists what its relations don't have, where they are there", async () => {
      const wrong = {
        ...model,
        grain: ["date", "orgin"],
        keys: ["nothing"],
        joins: [{ name: "departure", relation: "airports", on: "origin = departure.iatta" }],
        dimensions: [
          { name: "state", expression: "departure.stat" },
          { name: "odd", expression: "distance > 1", time_grains: ["day"] },
          { name: "fine", expression: "date", time_grains: ["day"] },
        ],
        metrics: [
          { name: "total", expression: "sum(distanze)" },
          { name: "late", expression: "count(*)", filter: "dely > 15" },
        ],
      };
      const { errors = [] } = assertProblem(await put("wrong", wrong), { status: 422, code: "invalid_entry" });
      assert.deepEqual(
        errors.map(({ pointer }) => pointer),
        [
          "/grain/1",
          "/keys/0",
          "/joins/0/on",
          "/dimensions/0/expression",
          "/dimensions/1/time_grains",
          "/metrics/0/expression",
          "/metrics/1/filter",
        ],
      );
      assert.match(errors[0]?.message ?? "", /orgin.*origin/);
      const later = await put("later", { ...wrong, relation: "not_there_yet" });
      assert.equal(later.status, 201, later.text);
      assert.equal((await server.client.send("/v1/semantics/later", { method: "DELETE" })).status, 204);
    });

    it("holds on to the contract that a model refers to", async () => {
      const contract = { infer_from: "flights", policy: "additive" };
      await server.client.sendJson("/v1/contracts/of_flights", contract, { method: "PUT" });
      assert.equal((await put("referring", { ...model, schema_ref: "of_flights" })).status, 201);
      const remove = () => server.client.send("/v1/contracts/of_flights", { method: "DELETE" });
      const problem = assertProblem(await remove(), { status: 409, code: "entry_in_use" });
      assert.deepEqual(problem.details?.entries, ["semantics/referring"]);
      await server.client.send("/v1/semantics/referring", { method: "DELETE" });
      assert.equal((await remove()).status, 204);
    });
  });

  describe("questions", () => {
    it("answers metrics by dimensions as SQL does", async () => {
      const found = await asked({
        metrics: ["flights", "late", "late_share", "farthest"],
        dimensions: ["origin"],
        order_by: [{ name: "flights", descending: true }, { name: "origin" }],
        row_limit: 5,
      });
      const expected = await server.client.rows({
        sql: `SELECT origin, count(*) AS flights, count(*) FILTER (WHERE delay > 15) AS late,
            sum(CASE WHEN delay > 15 THEN 1 ELSE 0 END) FILTER (WHERE distance > 1000) * 1.0
              / count(*) FILTER (WHERE distance > 1000) AS late_share, max(distance) AS farthest
          FROM flights GROUP BY origin ORDER BY flights DESC, origin`,
        row_limit: 5,
      });
      assert.deepEqual(found.data, expected);
      assert.equal(found.truncated, true);
      assert.equal(expected.length, 5);
    });

    it("shows the statement, which alone gives the same rows, in every format", async () => {
      const question = { metrics: ["flights"], dimensions: ["From State"], order_by: [{ name: "From State" }] };
      const { sql, data } = await asked(question);
      assert.deepEqual(await server.client.rows(sql ?? ""), data);
      for (const accept of ["application/x-ndjson", rowTypes.csv, rowTypes.arrow, rowTypes.parquet]) {
        const answer = await ask(question, { accept });
        assert.equal(answer.status, 200, answer.text);
        assert.match(answer.headers.get("content-type") ?? "", new RegExp(accept.replaceAll(".", "\\.")));
        assert.equal(decodeURIComponent(answer.headers.get("query-sql") ?? ""), sql);
      }
      const packed = decode<QueryAnswer>((await ask(question, { accept: rowTypes.msgpack })).bytes);
      assert.deepEqual([packed.sql, packed.status, packed.data.length], [sql, "SUCCEEDED", data.length]);
    });

    it("joins what it needs and nothing else", async () => {
      const joins = async (question: object) => ((await asked(question)).sql ?? "").match(/JOIN "airports" AS "\w+"/g);
      assert.equal(await joins({ metrics: ["flights"] }), null);
      assert.deepEqual(await joins({ dimensions: ["From State"] }), ['JOIN "airports" AS "departure"']);
      const both = ['JOIN "airports" AS "departure"', 'JOIN "airports" AS "arrival"'];
      assert.deepEqual(await joins({ dimensions: ["to_state"] }), both);
      assert.deepEqual(await joins({ metrics: ["flights"], filters: ["arrival.state = 'WA'"] }), both);
    });

    it("filters by dimensions with values, and by SQL", async () => {
      const count = async (...filters: unknown[]) => (await rows({ metrics: ["flights"], filters }))[0];
      const expected = async (condition: string) =>
        (await server.client.rows(`SELECT count(*) AS flights FROM flights WHERE ${condition}`))[0];
      const term = (dimension: string, operator: string, ...values: unknown[]) => ({ dimension, operator, values });
      const hostile = "SEA' OR 'a' = 'a";
      const cases: [unknown, string][] = [
        [term("origin", "eq", "SEA"), "origin = 'SEA'"],
        [term("origin", "eq", hostile), "false"],
        [term("origin", "ne", "SEA"), "origin <> 'SEA'"],
        [term("origin", "in", "SEA", "PDX"), "origin IN ('SEA', 'PDX')"],
        [term("origin", "not_in", "SEA", "PDX"), "origin NOT IN ('SEA', 'PDX')"],
        [term("origin", "between", "A", "C"), "origin BETWEEN 'A' AND 'C'"],
        [term("origin", "like", "S%"), "origin LIKE 'S%'"],
        [term("origin", "lt", "B"), "origin < 'B'"],
        [term("origin", "le", "BOS"), "origin <= 'BOS'"],
        [term("origin", "gt", "SEA"), "origin > 'SEA'"],
        [term("origin", "ge", "SEA"), "origin >= 'SEA'"],
        [term("origin", "is_null"), "origin IS NULL"],
        [term("origin", "is_not_null"), "origin IS NOT NULL"],
        [term("long", "eq", true), "distance > 1000"],
        [
          term("departed", "ge", { type: "Timestamp(Microsecond)", value: "2001-06-01T00:00:00" }),
          "date >= '2001-06-01'",
        ],
        ["delay > 15 OR delay < -15", "(delay > 15 OR delay < -15)"],
      ];
      for (const [filter, condition] of cases)
        assert.deepEqual(await count(filter), await expected(condition), condition);
      assert.deepEqual(
        await count(term("origin", "eq", "SEA"), "delay > 15 OR delay < -15"),
        await expected("origin = 'SEA' AND (delay > 15 OR delay < -15)"),
      );
    });

    it("filters groups by metrics, also by those that it doesn't show", async () => {
      const found = await asked({
        metrics: ["flights"],
        dimensions: ["origin"],
        filters: [
          { dimension: "late", operator: "ge", values: [10] },
          { dimension: "long", operator: "eq", values: [true] },
          { dimension: "flights", operator: "between", values: [50, 500] },
        ],
        order_by: [{ name: "origin" }],
      });
      const expected = await server.client.rows(`SELECT origin, count(*) AS flights FROM flights
        WHERE distance > 1000 GROUP BY origin
        HAVING count(*) FILTER (WHERE delay > 15) >= 10 AND count(*) BETWEEN 50 AND 500 ORDER BY origin`);
      assert.deepEqual(found.data, expected);
      assert.ok(expected.length > 0);
    });

    it("cuts times to a grain", async () => {
      const found = await rows({
        metrics: ["flights"],
        dimensions: ["departed"],
        grain: "month",
        order_by: [{ name: "departed" }],
      });
      assert.deepEqual(
        found,
        await server.client.rows(
          "SELECT date_trunc('month', date) AS departed, count(*) AS flights FROM flights GROUP BY 1 ORDER BY 1",
        ),
      );
      assert.equal(found.length, 7);
    });

    it("is answered from what is kept, like any query", async () => {
      const question = { metrics: ["farthest"], dimensions: ["origin"] };
      await ask(question);
      const answer = await ask(question);
      assert.equal(answer.as<QueryAnswer>().cache.status, "hit");
      const fresh = await ask({ ...question, cache: { no_store: true } });
      assert.equal(fresh.as<QueryAnswer>().cache.status, "bypass");
    });

    it("says what it was asked for in vain, with the closest name", async () => {
      const refused = async (question: object, code: "unknown_column" | "invalid_query", detail: RegExp) =>
        assertProblem(await ask(question), { status: 422, code, detail });
      await refused({ metrics: ["flight"] }, "unknown_column", /metric 'flight'.*'flights'/);
      await refused({ dimensions: ["origins"] }, "unknown_column", /dimension 'origins'.*'origin'/);
      const order_by = [{ name: "late" }];
      await refused({ metrics: ["flights"], order_by }, "unknown_column", /'late'/);
      await refused({}, "invalid_query", /neither/);
      await refused({ dimensions: ["origin"], grain: "month" }, "invalid_query", /grain/);
      await refused({ dimensions: ["departed"], grain: "week" }, "invalid_query", /'departed'/);
      const filters = [{ dimension: "origin", operator: "between", values: ["A"] }];
      await refused({ metrics: ["flights"], filters }, "invalid_query", /two/);
      const nested = await ask({ metrics: ["flights"], filters: ["origin IN (SELECT iata FROM airports)"] });
      assertProblem(nested, { status: 403, code: "statement_not_allowed" });
      const nowhere = await server.client.sendJson("/v1/semantics/nowhere/query", { metrics: ["flights"] });
      assertProblem(nowhere, { status: 404, code: "semantic_model_not_found" });
    });
  });
});
