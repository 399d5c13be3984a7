/** Refuses canonical schemas that lack a part or have a shape that the emitters do not know. */
import type { Json, Schema, SchemaFile, Source } from "./load.js";

const knownKeywords = new Set([
  "$schema",
  "$id",
  "$ref",
  "title",
  "description",
  "examples",
  "default",
  "type",
  "format",
  "enum",
  "const",
  "pattern",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "propertyNames",
  "properties",
  "required",
  "dependentRequired",
  "additionalProperties",
  "items",
  "oneOf",
  "anyOf",
  "not",
  "writeOnly",
  "contentMediaType",
  "contentSchema",
]);

export function check(source: Source): void {
  const faults = [
    ...repeatedTitles(source),
    ...source.types.flatMap((file) => typeFaults(file, source)),
    ...errorFaults(source),
  ];
  if (faults.length > 0) throw new Error(`schemas/ cannot be generated from:\n  ${faults.join("\n  ")}`);
}

function repeatedTitles({ types }: Source): string[] {
  const titles = types.map(({ schema }) => schema.title);
  return titles
    .filter((title, index) => titles.indexOf(title) !== index)
    .map((title) => `${title}: the title is used twice`);
}

function typeFaults({ path, schema }: SchemaFile, source: Source): string[] {
  const faults = ["$id", "title", "description", "examples"]
    .filter((part) => schema[part] === undefined)
    .map((part) => `${path}: has no ${part}`);
  if (path !== "errors.json" && schema.$id !== `https://lakegate.dev/schemas/${path}`)
    faults.push(`${path}: its $id is not its path`);
  const ids = new Set(source.types.map((type) => type.schema.$id));
  return [...faults, ...shapeFaults(schema, ids, "").map((fault) => `${path}${fault}`)];
}

/** Each fault with its pointer into the file. */
function shapeFaults(schema: Schema, ids: ReadonlySet<Json | undefined>, pointer: string): string[] {
  const unknown = Object.keys(schema)
    .filter((keyword) => !knownKeywords.has(keyword))
    .map((keyword) => `the keyword ${keyword} is not supported`);
  const dangling = schema.$ref !== undefined && !ids.has(schema.$ref) ? [`${schema.$ref} does not exist`] : [];
  const open =
    schema.type === "object" && schema.additionalProperties === undefined
      ? ["an object must say additionalProperties"]
      : [];
  const width =
    [schema.type].flat().includes("integer") && !["int32", "int64"].includes(String(schema.format))
      ? ["an integer must say int32 or int64"]
      : [];
  const filled = ((schema.required ?? []) as string[])
    .filter((name) => (schema.properties as Record<string, Schema> | undefined)?.[name]?.default !== undefined)
    .map((name) => `${name} is required, so its default never counts`);
  const own = [...unknown, ...dangling, ...open, ...width, ...filled].map((fault) => `#${pointer}: ${fault}`);
  return [...own, ...innerSchemas(schema).flatMap(([place, inner]) => shapeFaults(inner, ids, `${pointer}/${place}`))];
}

/** Variants beside properties are conditions on these, and have no shape of their own. */
function innerSchemas(schema: Schema): [string, Schema][] {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>).map(
    ([name, inner]): [string, Schema] => [`properties/${name}`, inner],
  );
  const variants = (schema.properties === undefined ? ["oneOf", "anyOf"] : []).flatMap((keyword) =>
    ((schema[keyword] ?? []) as Schema[]).map((inner, index): [string, Schema] => [`${keyword}/${index}`, inner]),
  );
  const others = ["items", "additionalProperties", "propertyNames", "contentSchema"]
    .map((keyword): [string, Json | undefined] => [keyword, schema[keyword]])
    .filter((entry): entry is [string, Schema] => entry[1] !== null && typeof entry[1] === "object");
  return [...properties, ...variants, ...others];
}

function errorFaults({ errors }: Source): string[] {
  return Object.entries(errors.codes).flatMap(([code, entry]) => [
    ...(entry.kind in errors.kinds ? [] : [`errors.json: ${code} has the unknown kind ${entry.kind}`]),
    ...(/^[a-z][a-z_]*$/.test(code) ? [] : [`errors.json: ${code} is not snake_case`]),
    ...(entry.title && entry.description ? [] : [`errors.json: ${code} has no title or description`]),
  ]);
}
