/** The generated files are what the schemas want, and the schemas themselves are sound. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { check } from "../schemas/codegen/check.js";
import { stalePaths } from "../schemas/codegen/generated-files.js";
import { load } from "../schemas/codegen/load.js";
import { errorTable, schemas } from "../schemas/generated/index.js";

const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, validateSchema: true });
formats.default(ajv);
ajv.addSchema(schemas);

test("the generated files are up to date: npm run generate", async () => {
  assert.deepEqual(await stalePaths(), []);
});

test("every generated schema equals its canonical file", () => {
  for (const { schema } of load().types) {
    const { $schema: _, ...canonical } = schema;
    const generated = schemas.find(({ $id }) => $id === schema.$id);
    assert.deepEqual(
      { ...generated, [Symbol.for("TypeBox.Kind")]: undefined },
      { ...canonical, [Symbol.for("TypeBox.Kind")]: undefined },
    );
  }
});

test("the error table equals its canonical file", () => {
  const file = JSON.parse(readFileSync(new URL("../schemas/errors.json", import.meta.url), "utf8"));
  assert.deepEqual(errorTable, file.codes);
});

for (const { $id, title, examples } of schemas) {
  test(`the examples of ${title} are valid`, () => {
    for (const example of examples) assert.ok(ajv.validate(String($id), example), ajv.errorsText());
  });
}

test("an unsupported keyword, a missing title and a dangling reference are refused", () => {
  const { types, errors } = load();
  const [first] = types;
  assert.ok(first);
  const { title: _, ...untitled } = first.schema;
  const reference = "https://lakegate.dev/schemas/api/none.schema.json";
  for (const schema of [{ ...first.schema, contains: {} }, untitled, { ...first.schema, $ref: reference }]) {
    assert.throws(
      () => check({ types: [{ ...first, schema }, ...types.slice(1)], errors }),
      /cannot be generated from/,
    );
  }
});
