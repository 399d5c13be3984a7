/** Writes the static TypeScript types of every schema, by json-schema-to-typescript. */
import { compile, type JSONSchema } from "json-schema-to-typescript";
import type { Json, Schema, Source } from "./load.js";
import { origin } from "./names.js";

/** Keywords that only narrow values, which a static type cannot say. */
const narrowing = new Set([
  "$id",
  "$schema",
  "examples",
  "default",
  "not",
  "minimum",
  "maximum",
  "format",
  "minItems",
  "maxItems",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "propertyNames",
]);

export async function emitTypescriptTypes({ types }: Source): Promise<string> {
  const titles = new Map(types.map(({ schema }) => [String(schema.$id), String(schema.title)]));
  const definitions = types.map(({ schema }) => [schema.title, { ...typing(schema, titles), title: schema.title }]);
  const bundle = { definitions: Object.fromEntries(definitions) } as JSONSchema;
  const text = await compile(bundle, bundleName, {
    bannerComment: `/** The static types of every message. ${origin} */`,
    unreachableDefinitions: true,
    style: { printWidth: 120 },
  });
  return text.replace(bundleInterface, "").replaceAll(bundleRemark, "");
}

const bundleName = "Bundle";
const bundleInterface = /export interface Bundle \{[^}]*\}\n/;
const bundleRemark = / \*\n \* This interface was referenced by `Bundle`.*\n \* via the `definition` .*\n/g;

function typing(schema: Schema, titles: ReadonlyMap<string, string>): Schema {
  if (typeof schema.$ref === "string") return { $ref: `#/definitions/${titles.get(schema.$ref)}` };
  if (schema.contentSchema !== undefined) return typing(schema.contentSchema as Schema, titles);
  if (isUntyped(schema)) return { ...described(schema), tsType: "unknown" };
  const kept = Object.entries(schema).filter(([keyword]) => !narrowing.has(keyword) && !isConstraint(keyword, schema));
  return Object.fromEntries(
    kept
      .map(([keyword, value]) => [keyword, typingOf(keyword, value, titles)])
      .filter(([keyword]) => keyword !== "title"),
  );
}

function typingOf(keyword: string, value: Json, titles: ReadonlyMap<string, string>): Json {
  if (keyword === "properties") {
    return Object.fromEntries(
      Object.entries(value as Schema).map(([name, inner]) => [name, typing(inner as Schema, titles)]),
    );
  }
  if (keyword === "oneOf" || keyword === "anyOf") return (value as Schema[]).map((inner) => typing(inner, titles));
  const isSchema = (keyword === "items" || keyword === "additionalProperties") && typeof value === "object";
  return isSchema ? typing(value as Schema, titles) : value;
}

function described({ description }: Schema): Schema {
  return description === undefined ? {} : { description };
}

function isUntyped(schema: Schema): boolean {
  return ["type", "enum", "const", "oneOf", "anyOf", "$ref"].every((keyword) => schema[keyword] === undefined);
}

/** A oneOf or anyOf beside properties says which of them go together. */
function isConstraint(keyword: string, schema: Schema): boolean {
  return (keyword === "oneOf" || keyword === "anyOf") && schema.properties !== undefined;
}
