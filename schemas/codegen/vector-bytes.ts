/** Writes the MessagePack of the golden vectors: integers in their shortest form, floats where the schema says number. */
import { encode } from "@msgpack/msgpack";
import type { Json, Schema, Source } from "./load.js";
import type { Value } from "./vector-cases.js";

type Fields = Record<string, Value>;

export class VectorBytes {
  readonly #types: ReadonlyMap<Json | undefined, Schema>;

  constructor({ types }: Source) {
    this.#types = new Map(types.map(({ schema }) => [schema.$id, schema]));
  }

  /** The value as it was given; undefined where MessagePack cannot carry it. */
  given(value: Value): string | undefined {
    return fits(value) ? hex(encode(widened(value), { useBigInt64: true })) : undefined;
  }

  /** The value with every default, its fields in the order of the schema. */
  complete(schema: Schema, value: Value): string {
    return this.#parts(schema, value).join("");
  }

  #parts(schema: Schema, value: Value): string[] {
    if (schema.$ref !== undefined) return this.#parts(this.#types.get(schema.$ref) as Schema, value);
    const variants =
      schema.properties === undefined ? ((schema.oneOf ?? schema.anyOf) as Schema[] | undefined) : undefined;
    if (variants !== undefined) return this.#parts(this.#variant(variants, value), value);
    if (typeof value === "number" && schema.type === "number")
      return [hex(encode(value, { forceIntegerToFloat: true }))];
    if (Array.isArray(value)) return [header(0x90, 0xdc, value.length), ...this.#items(schema, value)];
    if (value === null || typeof value !== "object") return [this.given(value) ?? ""];
    const entries = schema.properties === undefined ? mapEntries(schema, value) : fieldEntries(schema, value);
    return [header(0x80, 0xde, entries.length), ...entries.flatMap((entry) => this.#entry(entry))];
  }

  #items({ items }: Schema, values: Value[]): string[] {
    return values.flatMap((value) => this.#parts((items ?? {}) as Schema, value));
  }

  #entry([name, schema, value]: Entry): string[] {
    return [this.given(name) ?? "", ...this.#parts(schema, value)];
  }

  #variant(variants: Schema[], value: Value): Schema {
    const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
    const fits = (variant: Schema) => {
      const target = variant.$ref === undefined ? variant : (this.#types.get(variant.$ref) as Schema);
      return [target.type].flat().includes(type) && hasRequired(target, value);
    };
    return variants.find(fits) ?? {};
  }
}

type Entry = readonly [name: string, schema: Schema, value: Value];

function fieldEntries(schema: Schema, value: Fields): Entry[] {
  const properties = Object.entries(schema.properties as Record<string, Schema>);
  const others = Object.keys(value).filter((name) => !properties.some(([known]) => known === name));
  const present = properties.filter(([name, inner]) => name in value || inner.default !== undefined);
  return [
    ...present.map(([name, inner]): Entry => [name, inner, value[name] ?? (inner.default as Value) ?? null]),
    ...others.map((name): Entry => [name, {}, value[name] as Value]),
  ];
}

function hasRequired({ required = [] }: Schema, value: Value): boolean {
  if (value === null || typeof value !== "object") return true;
  return (required as string[]).every((name) => name in value);
}

/** Rust keeps maps sorted by the bytes of their keys. */
function mapEntries({ additionalProperties }: Schema, value: Fields): Entry[] {
  const schema = (typeof additionalProperties === "object" ? additionalProperties : {}) as Schema;
  const sorted = Object.keys(value).sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
  return sorted.map((name) => [name, schema, value[name] as Value]);
}

function header(short: number, long: number, length: number): string {
  if (length < 16) return (short + length).toString(16);
  return long.toString(16) + length.toString(16).padStart(4, "0");
}

/** The library wraps integers of more than 64 bits. */
function fits(value: Value): boolean {
  if (typeof value === "bigint") return value >= -(2n ** 63n) && value < 2n ** 64n;
  return value === null || typeof value !== "object" || Object.values(value).every(fits);
}

/** The library writes integers from 2^32 on as floats unless they are bigints. */
function widened(value: Value): unknown {
  if (typeof value === "number") return isLong(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(widened);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, widened(inner)]));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function isLong(value: number): boolean {
  return Number.isInteger(value) && (value >= 2 ** 32 || value < -(2 ** 31));
}
