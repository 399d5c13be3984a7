/** What a body may be over HTTP: JSON or MessagePack alike, long integers exact, and faults named with their field and what is allowed. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { decode, encode } from "../engine/codec.js";
import { openapiDocument } from "../openapi/document.js";
import type { Problem } from "../schemas/generated/index.js";
import type { Answer, Client } from "./fixture/client.js";
import { assertProblem } from "./fixture/problem.js";
import { startServer, type TestServer } from "./fixture/server.js";

const json = "application/json";
const messagePack = "application/vnd.msgpack";

describe("bodies", () => {
  let server: TestServer;
  let client: Client;

  before(async () => {
    server = await startServer();
    client = server.client;
  });
  after(() => server.stop());

  function post(path: string, type: string, body: string | Uint8Array, accept = json): Promise<Answer> {
    return client.send(path, { method: "POST", headers: { "content-type": type, accept }, body });
  }

  it("are JSON and MessagePack on every route that has one", async () => {
    const { paths } = JSON.parse(await openapiDocument());
    const contents = Object.values<Record<string, { requestBody?: { content: object } }>>(paths)
      .flatMap((item) => Object.values(item))
      .flatMap(({ requestBody }) => (requestBody === undefined ? [] : [Object.keys(requestBody.content)]));
    assert.ok(contents.length >= 4);
    for (const types of contents) assert.deepEqual(types.slice(0, 2), [json, messagePack]);
  });

  const integers = [2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)];
  for (const integer of integers) {
    it(`carry ${integer} exactly, in both encodings and both ways`, async () => {
      const sql = "SELECT $1 AS n, $2 AS m";
      const typed = `{"type":"Int64","value":${integer}}`;
      const text = `{"sql":"${sql}","parameters":[${typed},${typed}]}`;
      const value = { type: "Int64", value: integer };
      const bytes = encode({ sql, parameters: [value, value] });
      for (const [type, body] of [[json, text] as const, [messagePack, bytes] as const]) {
        const inJson = await post("/v1/queries", type, body);
        assert.match(inJson.text, new RegExp(`"data":\\[\\{"n":${integer},"m":${integer}\\}\\]`), inJson.text);
        const inBytes = await post("/v1/queries", type, body, messagePack);
        assert.deepEqual(decode<{ data: unknown }>(inBytes.bytes).data, [{ n: integer, m: integer }]);
      }
    });
  }

  it("hold no integer that a float has rounded", async () => {
    const rounded = [-(2 ** 63) * 1.5, -(2 ** 63), 2 ** 53, 1e18, 2 ** 63, 1e19];
    for (const number of rounded) {
      const bytes = encode({ sql: "SELECT 1", tables: { flights: { version: number } } });
      const { errors = [] } = assertProblem(await post("/v1/queries", messagePack, bytes), {
        status: 400,
        code: "invalid_request",
      });
      assert.ok(errors.some(({ pointer, keyword }) => pointer === "/tables/flights/version" && keyword === "format"));
    }
    const inUrl = assertProblem(await client.send("/v1/tables/flights?version=1e18"), {
      status: 400,
      code: "invalid_request",
    });
    assert.deepEqual(inUrl.errors?.map(place), [{ pointer: "/version", keyword: "format" }]);
  });

  const faults: readonly [string, object, string, string, RegExp][] = [
    [
      "an unknown field, with the closest",
      { sql: "SELECT 1", row_limt: 1 },
      "/row_limt",
      "additionalProperties",
      /did you mean row_limit\?/,
    ],
    ["what is missing", {}, "/sql", "required", /is required/],
    [
      "a value that is none of the list",
      { sql: "SELECT 1", numbers: "text" },
      "/numbers",
      "enum",
      /one of number, string/,
    ],
    ["a number out of range", { sql: "SELECT 1", row_limit: -1 }, "/row_limit", "minimum", />= 0/],
    ["an integer that is none", { sql: "SELECT 1", row_limit: 1.5 }, "/row_limit", "type", /integer/],
    [
      "a float beyond what it holds exactly",
      { sql: "SELECT 1", row_limit: 1e300 },
      "/row_limit",
      "format",
      /all its digits/,
    ],
    ["another type", { sql: 1 }, "/sql", "type", /string/],
    ["null for what may only be absent", { sql: "SELECT 1", row_limit: null }, "/row_limit", "type", /integer/],
    [
      "a time that is none",
      { sql: "SELECT 1", tables: { flights: { timestamp: "yesterday" } } },
      "/tables/flights/timestamp",
      "format",
      /2026-01-15T09:30:00Z/,
    ],
    [
      "a pin with both",
      { sql: "SELECT 1", tables: { flights: { version: 1, timestamp: "2026-01-15T09:30:00Z" } } },
      "/tables/flights",
      "oneOf",
      /exactly one of version, timestamp/,
    ],
    [
      "a pin with neither",
      { sql: "SELECT 1", tables: { flights: {} } },
      "/tables/flights",
      "oneOf",
      /exactly one of version, timestamp/,
    ],
    [
      "a parameter without its value",
      { sql: "SELECT $1", parameters: [{ type: "Int64" }] },
      "/parameters/0/value",
      "required",
      /is required/,
    ],
    [
      "a parameter's type that is no text",
      { sql: "SELECT $1", parameters: [{ type: 1, value: 1 }] },
      "/parameters/0/type",
      "type",
      /string/,
    ],
    ["a name with a slash", { sql: "SELECT 1", "a/b~": 1 }, "/a~1b~0", "additionalProperties", /is not a field/],
  ];

  for (const [what, body, pointer, keyword, message] of faults) {
    it(`${what}: is named, in both encodings`, async () => {
      const answers = [
        await post("/v1/queries", json, JSON.stringify(body)),
        await post("/v1/queries", messagePack, encode(body)),
      ];
      for (const answer of answers) {
        const { errors = [] } = assertProblem(answer, { status: 400, code: "invalid_request" });
        assert.deepEqual(errors.map(place), [{ pointer, keyword }], answer.text);
        assert.match(errors[0]?.message ?? "", message);
      }
    });
  }

  it("an unknown Arrow type names the parameter and types there are", async () => {
    const parameters = [{ type: "Int46", value: 1 }];
    const answer = await client.query({ sql: "SELECT $1", parameters });
    const problem = assertProblem(answer, { status: 422, code: "parameter_invalid" });
    assert.match(answer.text, /\/parameters\/0/);
    assert.match(problem.detail, /Int46/);
  });
});

function place({ pointer, keyword }: NonNullable<Problem["errors"]>[number]): object {
  return { pointer, keyword };
}
