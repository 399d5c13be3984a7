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
  "maxProperties",
  "propertyNames",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "oneOf",
  "anyOf",
  "not",
  "writeOnly",
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
  return [...faults, ...shapeFaults(schema, ids).map((fault) => `${path}: ${fault}`)];
}

function shapeFaults(schema: Schema, ids: ReadonlySet<Json | undefined>): string[] {
  const unknown = Object.keys(schema)
    .filter((keyword) => !knownKeywords.has(keyword))
    .map((keyword) => `the keyword ${keyword} is not supported`);
  const dangling = schema.$ref !== undefined && !ids.has(schema.$ref) ? [`${schema.$ref} does not exist`] : [];
  const open =
    schema.properties !== undefined && schema.additionalProperties === undefined
      ? ["an object must say additionalProperties"]
      : [];
  const width =
    schema.type === "integer" && !["int32", "int64"].includes(String(schema.format))
      ? ["an integer must say int32 or int64"]
      : [];
  return [
    ...unknown,
    ...dangling,
    ...open,
    ...width,
    ...innerSchemas(schema).flatMap((inner) => shapeFaults(inner, ids)),
  ];
}

function innerSchemas(schema: Schema): Schema[] {
  const properties = Object.values((schema.properties ?? {}) as Record<string, Schema>);
  const variants = [schema.oneOf, schema.anyOf].flatMap((list) => (Array.isArray(list) ? list : [])) as Schema[];
  const others = [schema.items, schema.additionalProperties].filter(
    (inner) => inner !== null && typeof inner === "object",
  ) as Schema[];
  return [...properties, ...variants, ...others];
}

function errorFaults({ errors }: Source): string[] {
  return Object.entries(errors.codes).flatMap(([code, entry]) => [
    ...(entry.kind in errors.kinds ? [] : [`errors.json: ${code} has the unknown kind ${entry.kind}`]),
    ...(/^[a-z][a-z_]*$/.test(code) ? [] : [`errors.json: ${code} is not snake_case`]),
    ...(entry.title && entry.description ? [] : [`errors.json: ${code} has no title or description`]),
  ]);
}
