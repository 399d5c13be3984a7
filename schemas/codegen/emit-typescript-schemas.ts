/** Writes each canonical schema as a TypeBox schema with its static type, references absolute. */
import type { SchemaFile, Source } from "./load.js";
import { origin } from "./names.js";

export function emitTypescriptSchemas({ types }: Source): string {
  const head = [
    `/** The schema of every message, equal to its canonical file. ${origin} */`,
    'import type { Static, TSchema, TUnsafe } from "@sinclair/typebox";',
    'import type * as types from "./types.js";',
  ];
  const names = types.map(({ schema }) => `  ${schema.title},`);
  const list = [
    "/** Every schema, for a validator or a document to know. */",
    "export const schemas = [",
    ...names,
    "];",
  ];
  return `${[head.join("\n"), emitFunctions(), ...types.map(emitSchema), list.join("\n")].join("\n\n")}\n`;
}

/** Loading TypeBox for its `Type.Unsafe` alone would cost every start a tenth of a second. */
function emitFunctions(): string {
  return [
    "/** What `Type.Unsafe` makes. */",
    "function unsafe<T>(schema: object): TUnsafe<T> {",
    '  return { ...schema, [Symbol.for("TypeBox.Kind")]: "Unsafe" } as unknown as TUnsafe<T>;',
    "}",
    "",
    "/** A schema that points at another one by its `$id`. */",
    "export function reference<T extends TSchema>(schema: T): TUnsafe<Static<T>> {",
    "  return unsafe({ $ref: schema.$id });",
    "}",
  ].join("\n");
}

function emitSchema({ schema }: SchemaFile): string {
  const { $schema: _, ...rest } = schema;
  const literal = JSON.stringify(rest, null, 2);
  return [
    `export type ${schema.title} = types.${schema.title};`,
    `export const ${schema.title} = unsafe<types.${schema.title}>(${literal});`,
  ].join("\n");
}
