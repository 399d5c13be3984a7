/** Reads the canonical schemas and the error table, and gives every type its absolute references. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { operationBodies } from "./operation-bodies.js";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Schema = { [key: string]: Json };

export interface SchemaFile {
  readonly path: string;
  readonly schema: Schema;
}

export interface ErrorEntry {
  readonly status: number;
  readonly kind: string;
  readonly retryable: boolean;
  readonly title: string;
  readonly description: string;
}

export interface ErrorFile {
  readonly kinds: Readonly<Record<string, string>>;
  readonly codes: Readonly<Record<string, ErrorEntry>>;
}

export interface Source {
  readonly types: readonly SchemaFile[];
  readonly errors: ErrorFile;
}

const folder = new URL("../", import.meta.url);
const typeFolders = ["api", "delta", "engine"];

export function load(): Source {
  const errors = readJson("errors.json") as unknown as ErrorFile;
  const types = typeFolders.flatMap(readFolder);
  return { types: [...types, ...operationBodies(types), ...errorTypes(errors)].sort(byTitle), errors };
}

function readFolder(name: string): SchemaFile[] {
  const files = readdirSync(fileURLToPath(new URL(name, folder)));
  return files
    .filter((file) => file.endsWith(".schema.json"))
    .map((file) => ({ path: `${name}/${file}`, schema: withAbsoluteReferences(readJson(`${name}/${file}`)) }));
}

function readJson(path: string): Schema {
  return JSON.parse(readFileSync(new URL(path, folder), "utf8")) as Schema;
}

function withAbsoluteReferences(schema: Schema): Schema {
  const base = String(schema.$id);
  const resolve = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(resolve);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) =>
        key === "$ref" ? [key, new URL(String(inner), base).href] : [key, resolve(inner)],
      ),
    );
  };
  return resolve(schema) as Schema;
}

function errorTypes(errors: ErrorFile): SchemaFile[] {
  return [
    errorType("ErrorCode", "error_code", "What went wrong; the list is closed.", Object.keys(errors.codes)),
    errorType("ErrorKind", "error_kind", "Which part of the system an error comes from.", Object.keys(errors.kinds)),
  ];
}

function errorType(title: string, file: string, description: string, values: string[]): SchemaFile {
  const $id = `https://lakegate.dev/schemas/errors/${file}.schema.json`;
  const schema = { $id, title, description, type: "string", enum: values, examples: values.slice(0, 1) };
  return { path: "errors.json", schema };
}

function byTitle(left: SchemaFile, right: SchemaFile): number {
  return String(left.schema.title) < String(right.schema.title) ? -1 : 1;
}
