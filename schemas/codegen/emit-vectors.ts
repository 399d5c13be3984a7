/** Writes the golden vectors of every type: a value, its bytes, and the verdict that every language must come to. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { Schema, Source } from "./load.js";
import { origin, snakeCase } from "./names.js";
import { VectorBytes } from "./vector-bytes.js";
import { type Case, type Value, VectorCases } from "./vector-cases.js";

export function emitVectors(source: Source): [string, string][] {
  const oracle = new Oracle(source);
  const cases = new VectorCases(source);
  const bytes = new VectorBytes(source);
  return source.types.map(({ schema }) => {
    const vectors = distinct(cases.of(schema)).map((each) => vector(schema, each, oracle, bytes));
    return [`schemas/vectors/${snakeCase(String(schema.title))}.json`, document(schema, vectors)];
  });
}

/** Ajv, told which integers are too wide: it knows only doubles. */
class Oracle {
  readonly #ajv = new Ajv2020({ allowUnionTypes: true, strict: false });

  constructor({ types }: Source) {
    formats.default(this.#ajv);
    for (const { schema } of types) this.#ajv.addSchema(schema);
  }

  /** Why the value is not valid; undefined when it is. */
  reason({ $id }: Schema, value: Value): { pointer: string; keyword: string } | undefined {
    const wide = tooWide(value, "");
    if (wide !== undefined) return { pointer: wide, keyword: "format" };
    const validate = this.#ajv.getSchema(String($id)) as ValidateFunction;
    if (validate(rounded(value))) return undefined;
    const [first] = validate.errors ?? [];
    return { pointer: first?.instancePath ?? "", keyword: first?.keyword ?? "" };
  }
}

function tooWide(value: Value, pointer: string): string | undefined {
  if (typeof value === "bigint") return BigInt.asIntN(64, value) === value ? undefined : pointer;
  if (value === null || typeof value !== "object") return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const found = tooWide(inner, `${pointer}/${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function rounded(value: Value): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(rounded);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)]));
}

function vector(schema: Schema, [name, json]: Case, oracle: Oracle, bytes: VectorBytes) {
  const reason = oracle.reason(schema, json);
  const given = { name, json, msgpack: bytes.given(json), valid: reason === undefined };
  return reason === undefined ? { ...given, complete: bytes.complete(schema, json) } : { ...given, ...reason };
}

function distinct(cases: readonly Case[]): Case[] {
  return [...new Map(cases.map((each) => [text(each[1]), each])).values()];
}

/** A vector a line. */
function document({ title }: Schema, vectors: readonly object[]): string {
  const lines = vectors.map((each) => `    ${text(each as Value)}`);
  return `{\n  "type": "${title}",\n  "origin": ${JSON.stringify(origin)},\n  "vectors": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

/** JSON with bigints as they are. */
function text(value: Value | undefined): string {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(text).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const kept = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${kept.map(([key, inner]) => `${JSON.stringify(key)}:${text(inner)}`).join(",")}}`;
}
