/** Thinks of values of a type, right and wrong ones: examples, absent, null, empty, limits, unicode, unknown, of another type. */
import type { Json, Schema, Source } from "./load.js";

/** JSON with integers of any width. */
export type Value = null | boolean | number | bigint | string | Value[] | { [key: string]: Value };
export type Case = readonly [name: string, value: Value];

type Fields = Record<string, Value>;

const unicode = 'Zürich 東京 👩‍🚀 "\\\u0000\u2028';
const texts: Readonly<Record<string, string>> = {
  "date-time": "2026-01-15T09:30:00.123456Z",
  uuid: "7f4c1e9a-52d3-4c77-9a39-0d5f6f6f2a11",
  uri: "https://lakegate.dev/problems/unknown_table",
};

export class VectorCases {
  readonly #types: ReadonlyMap<Json | undefined, Schema>;

  constructor({ types }: Source) {
    this.#types = new Map(types.map(({ schema }) => [schema.$id, schema]));
  }

  of(schema: Schema): Case[] {
    const examples = (schema.examples as Value[]).map((value, index): Case => [`example ${index + 1}`, value]);
    const whole: Case[] = otherTypes.map((value) => [`the whole is ${JSON.stringify(value)}`, value]);
    return [...examples, ...this.#fieldCases(schema), ...whole, ...this.#leafCases(schema)];
  }

  #fieldCases(schema: Schema): Case[] {
    const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
    if (properties.length === 0) return [];
    const least = this.#least(schema, properties);
    const full = Object.fromEntries(properties.map(([name, inner]) => [name, this.#sample(inner)]));
    return [
      ["only what is required", least],
      ["every field", full],
      ["nothing", {}],
      ["an unknown field", { ...least, unknown_field: 1 }],
      ...properties.flatMap(([name, inner]) => this.#oneFieldCases(name, inner, least)),
    ];
  }

  /** What is required, and of the fields that go together those of the first example. */
  #least(schema: Schema, properties: [string, Schema][]): Fields {
    const required = (schema.required ?? []) as string[];
    const names =
      schema.oneOf === undefined && schema.anyOf === undefined ? required : properties.map(([name]) => name);
    const [example] = schema.examples as Fields[];
    const kept = properties.filter(
      ([name]) => names.includes(name) && (required.includes(name) || name in (example ?? {})),
    );
    return Object.fromEntries(kept.map(([name, inner]) => [name, example?.[name] ?? this.#sample(inner)]));
  }

  #oneFieldCases(name: string, schema: Schema, least: Fields): Case[] {
    const { [name]: _, ...without } = least;
    const values = [...this.#leafCases(schema), ...otherTypes.map((value): Case => [JSON.stringify(value), value])];
    const changed = values.map(([what, value]): Case => [`${name} is ${what}`, { ...least, [name]: value }]);
    return [[`${name} is absent`, without], ...changed];
  }

  /** Values around the edges of what the schema allows. */
  #leafCases(schema: Schema): Case[] {
    const target = schema.$ref === undefined ? schema : (this.#types.get(schema.$ref) as Schema);
    if (Array.isArray(target.enum)) return (target.enum as string[]).map((value) => [value, value]);
    const types = [target.type].flat();
    return [
      ...(isFree(target) ? freeCases : []),
      ...(types.includes("integer") ? integerCases(target) : []),
      ...(types.includes("number") ? numberCases : []),
      ...(types.includes("string") ? textCases(target) : []),
      ...(types.includes("array") ? this.#listCases(target) : []),
      ...(types.includes("object") && target.properties === undefined ? this.#mapCases(target) : []),
    ];
  }

  #listCases({ items }: Schema): Case[] {
    const item = this.#sample((items ?? {}) as Schema);
    const inner = this.#leafCases((items ?? {}) as Schema).map(([what, value]): Case => [`a list of ${what}`, [value]]);
    return [
      ["a list", [item]],
      ["a list of the same twice", [item, item]],
      ["a list with null", [item, null]],
      ...inner,
    ];
  }

  #mapCases(map: Schema): Case[] {
    const schema = valuesOf(map);
    const value = this.#sample(schema);
    const inner = this.#leafCases(schema).map(([what, value]): Case => [`a map to ${what}`, { name: value }]);
    return [["a map", { name: value, [unicode]: value, "": value }], ["a map to null", { name: null }], ...inner];
  }

  #sample(schema: Schema): Value {
    if (schema.$ref !== undefined) return ((this.#types.get(schema.$ref) as Schema).examples as Value[])[0] ?? null;
    if (Array.isArray(schema.anyOf)) return this.#sample((schema.anyOf as Schema[])[0] ?? {});
    if (Array.isArray(schema.enum)) return schema.enum[0] as Value;
    if (schema.const !== undefined) return schema.const as Value;
    switch ([schema.type].flat()[0]) {
      case "integer":
        return Math.max(1, Number(schema.minimum ?? 1));
      case "number":
        return 1.5;
      case "boolean":
        return true;
      case "array":
        return [this.#sample((schema.items ?? {}) as Schema)];
      case "object":
        return {
          name: this.#sample(valuesOf(schema)),
        };
      default:
        return texts[String(schema.format)] ?? (schema.pattern === undefined ? "text" : "flights");
    }
  }
}

function valuesOf({ additionalProperties }: Schema): Schema {
  return typeof additionalProperties === "object" ? (additionalProperties as Schema) : {};
}

function isFree(schema: Schema): boolean {
  return ["type", "oneOf", "anyOf", "const"].every((keyword) => schema[keyword] === undefined);
}

/** One of each JSON type, the empty ones. */
const otherTypes: readonly Value[] = [null, true, 0, 1.5, "", [], {}];

const freeCases: readonly Case[] = [
  ["a long integer", 2n ** 53n + 1n],
  ["a too long integer", 2n ** 63n],
  ["a too long integer inside", [{ name: 2n ** 63n }]],
];

const numberCases: readonly Case[] = [
  ["a float", 0.1],
  ["a negative float", -2.5e9],
];

function integerCases({ format, minimum, maximum }: Schema): Case[] {
  const limits = format === "int32" ? [-(2n ** 31n), 2n ** 31n - 1n] : [-(2n ** 63n), 2n ** 63n - 1n];
  const [smallest = 0n, largest = 0n] = limits;
  const bounds = [minimum, maximum].filter((bound) => bound !== undefined).map((bound) => BigInt(Number(bound)));
  const edges = [
    smallest,
    smallest - 1n,
    largest,
    largest + 1n,
    ...bounds.flatMap((bound) => [bound - 1n, bound, bound + 1n]),
  ];
  const long = format === "int64" ? [2n ** 32n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n] : [];
  return [...new Set([...edges, ...long])].map((edge) => [String(edge), exact(edge)]);
}

/** As a number where that is exact. */
function exact(value: bigint): Value {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function textCases({ format, minLength, maxLength }: Schema): Case[] {
  if (format === "date-time") return timeCases;
  const lengths = [minLength, maxLength].filter((length) => length !== undefined).map(Number);
  const edges = lengths.flatMap((length) => [length - 1, length, length + 1]);
  return [
    ["unicode text", unicode],
    ...edges.map((length): Case => [`text of ${length} characters`, "👍".repeat(Math.max(0, length))]),
  ];
}

const timeCases: Case[] = [
  "2026-01-15T09:30:00Z",
  "2024-02-29t23:59:59.999999999+05:30",
  "2026-02-29T00:00:00Z",
  "2026-01-15T24:00:00Z",
  "2026-01-15T09:30:00",
  "2026-01-15",
  "2026-01-15T09:30:00+05:61",
].map((text): Case => [text, text]);
