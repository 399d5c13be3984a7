/** The examples of the OpenAPI document are real: each is sent to a running service, and what comes back fits the document. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { decode } from "@msgpack/msgpack";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { encode } from "../engine/codec.js";
import { openapiDocument } from "../openapi/document.js";
import { inRoot } from "../setup/places.mjs";
import type { Answer } from "./fixture/client.js";
import { ExampleTables } from "./fixture/example-tables.js";
import { startServer, type TestServer, temporaryFolder } from "./fixture/server.js";

interface Media {
  readonly schema: object;
  readonly example?: unknown;
  readonly examples?: Record<string, { value?: unknown; externalValue?: string }>;
}

interface Response {
  readonly content?: Record<string, Media>;
  readonly headers?: Record<string, object>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly example?: unknown;
  readonly examples?: Record<string, { value?: unknown }>;
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: Parameter[];
  readonly requestBody?: { readonly content: Record<string, Media> };
  readonly responses: Record<string, Response>;
}

interface Example {
  readonly name: string;
  readonly type?: string;
  readonly value?: unknown;
}

const document = JSON.parse(await openapiDocument());
const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);
const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema({ ...document, $id: "openapi.json" });

/** Where the answer is the same on every machine, so that the document must show it. */
const repeatable = ["runQuery", "getLiveness", "getReadiness"];
/** What differs from run to run. */
const passing = ["query_id", "stats", "cache"];
/** What the example of another has left nothing to do for, and how that is answered. */
const refused: Readonly<Record<string, number>> = { retryRun: 409, getPipelineOutput: 404 };
/** The order in which one makes what the next needs. */
const order = ["POST", "PUT", "GET", "DELETE"];

/** What is done with an entry of a registry comes after its PUT. */
function rank({ path, method }: { path: string; method: string }): number {
  const isOfEntry = path.includes("{name}/") && !path.startsWith("/v1/tables/");
  return order.indexOf(isOfEntry && method === "POST" ? "PUT" : method);
}

/** What is below an entry goes before it. */
function depth({ path, method }: { path: string; method: string }): number {
  return method === "DELETE" ? -path.split("/").length : 0;
}

/** What the rows that the document shows keep to. */
const [contractOfRows] = document.components.schemas.SchemaContract.examples;
const documents = ["application/json", "application/vnd.msgpack"];

/** Never in the range of a table that a test makes. */
const longAgo = "2026-01-15T09:30:00Z";

/** No request puts a statement in quarantine. */
function stateWithQuarantine(): string {
  const state = temporaryFolder();
  const [entry] = document.components.schemas.QuarantineEntry.examples;
  mkdirSync(join(state, "quarantine"));
  writeFileSync(join(state, "quarantine", `${entry.id}.json`), JSON.stringify(entry));
  return state;
}

describe("examples of the OpenAPI document", () => {
  let server: TestServer;
  let examples: ExampleTables;
  const ids: Record<string, string> = {};

  before(async () => {
    server = await startServer({ state: stateWithQuarantine() });
    examples = await ExampleTables.open();
    await examples.fill();
  });
  after(async () => {
    await server.stop();
    await examples.close();
  });

  const sorted = operations.toSorted((left, right) => rank(left) - rank(right) || depth(left) - depth(right));
  for (const { path, method, operation } of sorted) {
    for (const { name, type, value } of requestExamples(operation)) {
      it(`${method} ${path} ${name}`, async () => {
        const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
        const body = type === undefined ? undefined : bytesOf(type, value);
        const writes = path.startsWith("/v1/tables/{name}") && method !== "GET";
        const target = writes ? await examples.path(path, type, value) : filled(path, operation, ids);
        const { client } = writes ? examples : server;
        if (operation.operationId === "getGoodRows" && type !== undefined && !documents.includes(type))
          await client.sendJson(target.replace("/rows", ""), contractOfRows, { method: "PUT" });
        const answer = await client.send(target, { method, headers, body });
        checkAnswer(operation, answer);
        const status = refused[operation.operationId];
        if (status !== undefined) assert.equal(answer.status, status, answer.text);
        else if (!isElsewhere(value)) assert.ok(answer.status < 300, answer.text);
        remember(path, answer, ids);
        if (repeatable.includes(operation.operationId)) checkShown(operation, answer);
      });
    }
  }

  it("every format of a result has an example that a query gives", async () => {
    const { responses } = document.paths["/v1/queries"].post;
    for (const [accept, media] of Object.entries<Media>(responses[200].content)) {
      const answer = await server.client.query("SELECT 1 AS one", { accept });
      assert.equal(answer.headers.get("content-type")?.split(";")[0], accept);
      if (typeof media.example === "string") assert.equal(answer.text.replaceAll("\r", ""), media.example);
      if (accept.endsWith("msgpack"))
        assert.ok(ajv.validate(local(media.schema), decode(answer.bytes)), ajv.errorsText());
    }
  });
});

function requestExamples({ requestBody }: Operation): Example[] {
  if (requestBody === undefined) return [{ name: "" }];
  return Object.entries(requestBody.content).flatMap(([type, media]) =>
    Object.entries(media.examples ?? { example: { value: media.example } }).map(([name, { value, externalValue }]) => ({
      name: `${type}, ${name}`,
      type,
      value: externalValue === undefined ? value : readFileSync(inRoot("openapi", externalValue)),
    })),
  );
}

/** Whether the example speaks of a store or a time that a test does not have. */
function isElsewhere(value: unknown): boolean {
  return /s3:\/\//.test(JSON.stringify(value) ?? "") || JSON.stringify(value)?.includes(longAgo) === true;
}

function bytesOf(type: string, value: unknown): string | Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (type.endsWith("msgpack")) return encode(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

function exampleOf({ example, examples = {} }: Parameter): unknown {
  return example ?? Object.values(examples)[0]?.value;
}

/** The path with the examples of its parameters, or with what was made before. */
function filled(path: string, { parameters = [] }: Operation, ids: Readonly<Record<string, string>>): string {
  const made = Object.entries(ids).find(([prefix]) => path.startsWith(`${prefix}/`))?.[1];
  const filled = parameters
    .filter((parameter) => parameter.in === "path")
    .reduce((rest, { name, ...parameter }) => {
      const value = name === "id" && made !== undefined ? made : String(exampleOf({ name, ...parameter }));
      return rest.replace(`{${name}}`, value);
    }, path);
  const asked = parameters.filter((parameter) => parameter.in === "query" && parameter.required);
  return `${filled}?${new URLSearchParams(Object.fromEntries(asked.map((parameter) => [parameter.name, String(exampleOf(parameter))])))}`;
}

function remember(path: string, answer: Answer, ids: Record<string, string>): void {
  const id = answer.headers.get("query-id") ?? answer.headers.get("location")?.split("/").at(-1);
  if (id !== undefined && !path.endsWith("}")) ids[path] = id;
}

function checkAnswer({ responses }: Operation, answer: Answer): void {
  const declared = responses[answer.status];
  assert.ok(declared, `${answer.status} is not in the document: ${answer.text}`);
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
  const media = declared.content?.[type];
  if (declared.content === undefined) {
    assert.equal(answer.bytes.length, 0);
    return;
  }
  assert.ok(media, `${answer.status} has no ${type}`);
  const value = type.endsWith("json") ? JSON.parse(answer.text) : answer.text;
  assert.ok(ajv.validate(local(media.schema), value), `${ajv.errorsText()}: ${answer.text}`);
}

/** The answer, apart from what passes, is one of those that the document shows. */
function checkShown({ responses, requestBody }: Operation, answer: Answer): void {
  const shown = Object.values(responses[answer.status]?.content?.["application/json"]?.examples ?? {});
  const lasting = (value: unknown) =>
    Object.fromEntries(Object.entries(value as object).filter(([name]) => !passing.includes(name)));
  const found = shown.some(({ value }) => isDeepStrictEqual(lasting(value), lasting(JSON.parse(answer.text))));
  assert.ok(found || requestBody !== undefined, `the document does not show ${answer.text}`);
  if (answer.text.includes('"one"')) assert.ok(found, `the document does not show ${answer.text}`);
}

/** The schema with its references into the document. */
function local(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"openapi.json#/components'));
}
