/** The published OpenAPI document is the one that the app makes, and it leaves nothing out. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { documentPath, openapiDocument } from "../openapi/document.js";

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Record<string, { readonly example?: unknown; readonly examples?: object }>;
  };
  readonly responses: Record<string, { readonly description: string; readonly content?: Record<string, object> }>;
}

const text = await openapiDocument();
const document = JSON.parse(text);
const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
);

test("openapi/openapi.json is up to date: npm run openapi", () => {
  assert.ok(readFileSync(documentPath, "utf8") === text, "openapi/openapi.json is stale; run `npm run openapi`");
});

test("a body may be absent where the service takes none, and nowhere else", () => {
  const optional = operations.filter(({ operation }) => operation.requestBody?.required === false);
  assert.deepEqual(optional.map(({ operation }) => operation.operationId).sort(), [
    "checkData",
    "checkpointTable",
    "cleanUpLog",
    "compareSupport",
    "convertTable",
    "getGoodRows",
    "importCatalog",
    "openSession",
    "optimizeTable",
    "putProfile",
    "querySemanticModel",
    "runPipeline",
    "vacuumTable",
    "validateContract",
    "validateGate",
  ]);
});

test("no operation has the id of another", () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
});

test("every reference points into the document", () => {
  for (const [, reference = ""] of text.matchAll(/"\$ref": "([^"]+)"/g)) {
    assert.match(reference, /^#\/components\/schemas\/\w+$/);
    assert.ok(document.components.schemas[reference.split("/").at(-1) ?? ""], reference);
  }
});

for (const { name, operation } of operations) {
  test(`${name} is described, with examples and problems`, () => {
    const { operationId, summary, description, tags, requestBody, responses } = operation;
    assert.ok(operationId && summary && description && tags?.length === 1);
    for (const media of Object.values(requestBody?.content ?? {}))
      assert.ok(media.example !== undefined || Object.keys(media.examples ?? {}).length > 0);
    const statuses = Object.keys(responses);
    assert.ok(statuses.some((status) => status.startsWith("2")));
    assert.ok(statuses.includes("500"));
    for (const answer of Object.values(responses)) assert.notEqual(answer.description, "Default Response");
    const problems = statuses.filter(
      (status) => Number(status) >= 400 && !(name.includes("/health/ready") && status === "503"),
    );
    for (const status of problems) assert.ok(responses[status]?.content?.["application/problem+json"], status);
  });
}
