/** /v1/schemas: the registry of all types. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openapiDocument } from "../../openapi/document.js";
import { load } from "../../schemas/codegen/load.js";
import type { SchemaList } from "../../schemas/generated/index.js";
import type { Client } from "../fixture/client.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer } from "../fixture/server.js";

describe("schemas", () => {
  let server: TestServer;
  let client: Client;

  before(async () => {
    server = await startServer();
    client = server.client;
  });
  after(() => server.stop());

  it("lists every type by title, in pages", async () => {
    const titles: string[] = [];
    let path: string | undefined = "/v1/schemas?limit=30";
    while (path !== undefined) {
      const answer = await client.send(path);
      assert.equal(answer.status, 200);
      titles.push(...answer.as<SchemaList>().items.map(({ title }) => title));
      path = answer.headers.get("link")?.match(/<([^>]+)>/)?.[1];
    }
    assert.deepEqual(
      titles,
      load().types.map(({ schema }) => schema.title),
    );
  });

  it("shows each canonical document", async () => {
    for (const { schema } of load().types) {
      const answer = await client.send(`/v1/schemas/${schema.title}`);
      assert.equal(answer.headers.get("content-type"), "application/schema+json; charset=utf-8");
      const draft = { $schema: "https://json-schema.org/draft/2020-12/schema" };
      assert.deepEqual(JSON.parse(answer.text), { ...draft, ...schema });
    }
  });

  it("has the components of the OpenAPI document, by their titles", async () => {
    const { components } = JSON.parse(await openapiDocument());
    for (const [title, component] of Object.entries(components.schemas)) {
      const {
        $schema: _,
        $id,
        ...document
      } = (await client.send(`/v1/schemas/${title}`)).as<Record<string, unknown>>();
      assert.deepEqual(withoutReferences(component), withoutReferences(document), title);
      assert.ok($id);
    }
  });

  it("knows what the client has", async () => {
    for (const path of ["/v1/schemas", "/v1/schemas/DeltaCommitOptions"]) {
      const etag = (await client.send(path)).headers.get("etag") ?? "";
      assert.match(etag, /^"[0-9a-f]{64}(\+gzip)?"$/);
      const same = await client.send(path, { headers: { "if-none-match": etag } });
      assert.deepEqual([same.status, same.bytes.length, same.headers.get("etag")], [304, 0, etag]);
      assert.equal((await client.send(path, { headers: { "if-none-match": '"other"' } })).status, 200);
    }
  });

  it("refuses titles that are none", async () => {
    assertProblem(await client.send("/v1/schemas/None"), { status: 404, code: "schema_not_found" });
    assertProblem(await client.send("/v1/schemas/no-title"), { status: 400, code: "invalid_request" });
  });
});

/** References point elsewhere in each of them, but to the same titles. */
function withoutReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutReferences);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).map(([key, inner]) => [
    key,
    key === "$ref" ? title(inner) : withoutReferences(inner),
  ]);
  return Object.fromEntries(kept);
}

function title(reference: unknown): string {
  const last = String(reference).split("/").at(-1) ?? "";
  const { schema } = load().types.find(({ schema }) => schema.$id === reference) ?? { schema: { title: last } };
  return String(schema.title);
}
