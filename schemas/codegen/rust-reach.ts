/** Finds the types that Rust needs: those that cross the border, and all that these name. */
import { borderTypes } from "./border-types.js";
import type { Json, SchemaFile, Source } from "./load.js";

export function rustReach({ types }: Source): SchemaFile[] {
  const byId = new Map(types.map((file) => [file.schema.$id, file]));
  const reached = new Set<SchemaFile>();
  const visit = (file: SchemaFile | undefined): void => {
    if (file === undefined || reached.has(file)) return;
    reached.add(file);
    for (const id of references(file.schema)) visit(byId.get(id));
  };
  for (const file of types) if (isRoot(file)) visit(file);
  return types.filter((file) => reached.has(file) && file.path !== "errors.json");
}

function isRoot({ path, schema }: SchemaFile): boolean {
  return /^(delta|engine)\//.test(path) || borderTypes.includes(String(schema.title));
}

function references(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === "$ref" ? [String(inner)] : references(inner)));
}
