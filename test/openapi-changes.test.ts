/** The OpenAPI document does not break the clients of the committed one, unless that was approved. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { breakingChanges } from "../openapi/breaking-changes.js";
import { inRoot } from "../setup/places.mjs";

const now = () => JSON.parse(readFileSync(inRoot("openapi/openapi.json"), "utf8"));
const committed = spawnSync("git", ["show", "HEAD:openapi/openapi.json"], { cwd: inRoot(), maxBuffer: 2 ** 26 });
const withoutGit = committed.status === 0 ? false : "there is no committed document";

/** Breaks a copy of the document, and says what is found. */
function afterwards(change: (document: ReturnType<typeof now>) => void): string[] {
  const document = now();
  change(document);
  return breakingChanges(now(), document);
}

const schema = (name: string) => (document: ReturnType<typeof now>) => document.components.schemas[name];
const request = schema("QueryRequest");

describe("changes of the OpenAPI document", () => {
  it("do not break clients, or stand in openapi/approved-changes.txt", { skip: withoutGit }, () => {
    const approved = readFileSync(inRoot("openapi/approved-changes.txt"), "utf8").split("\n");
    const changes = breakingChanges(JSON.parse(committed.stdout.toString()), now());
    const others = changes.filter((change) => !approved.includes(change));
    assert.deepEqual(
      others,
      [],
      `Mend these, or put the lines into openapi/approved-changes.txt:\n${others.join("\n")}`,
    );
  });

  const breaks: readonly [string, (document: ReturnType<typeof now>) => void, string][] = [
    ["a route that is gone", (d) => delete d.paths["/v1/queries/{id}"].get, "GET /v1/queries/{id} is gone"],
    [
      "a new required field",
      (d) => request(d).required.push("spool"),
      "QueryRequest as request: the field spool is required now",
    ],
    [
      "a field that is gone",
      (d) => delete request(d).properties.labels,
      "QueryRequest as request: the field labels is gone",
    ],
    [
      "an answer's field that is gone",
      (d) => delete schema("QueryAnswer")(d).properties.data,
      "QueryAnswer as answer: the field data is gone",
    ],
    [
      "an answer's field that may be absent",
      (d) => schema("QueryAnswer")(d).required.shift(),
      "QueryAnswer as answer: the field query_id may be absent now",
    ],
    [
      "a value that is gone",
      (d) => schema("NumberStyle")(d).enum.pop(),
      'NumberStyle as request: the value "string" is gone',
    ],
    [
      "a narrower type",
      (d) => Object.assign(request(d).properties.sql, { type: "integer" }),
      "QueryRequest as request/sql: it may not be string any more",
    ],
    [
      "a wider type in an answer",
      (d) => Object.assign(schema("QueryAnswer")(d).properties.row_count, { type: ["integer", "null"] }),
      "QueryAnswer as answer/row_count: it may be null now",
    ],
    [
      "a tighter limit",
      (d) => Object.assign(request(d).properties.row_limit, { minimum: 1 }),
      "QueryRequest as request/row_limit: minimum is another",
    ],
    [
      "a media type that is gone",
      (d) => delete d.paths["/v1/queries"].post.requestBody.content["application/sql"],
      "POST /v1/queries request: application/sql is gone",
    ],
    [
      "a new required parameter",
      (d) => d.paths["/v1/tables"].get.parameters.push({ in: "query", name: "x", required: true, schema: {} }),
      "GET /v1/tables query x is new and required",
    ],
  ];

  for (const [what, change, line] of breaks) {
    it(`${what} is one`, () => assert.deepEqual(afterwards(change), [line]));
  }

  it("a new route, a new optional field and a looser limit are none", () => {
    const changes = afterwards((document) => {
      document.paths["/v1/new"] = { get: document.paths["/v1/tables"].get };
      request(document).properties.extra = { type: "string" };
      delete request(document).properties.row_limit.minimum;
    });
    assert.deepEqual(changes, []);
  });
});
