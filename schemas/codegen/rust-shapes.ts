/** How the shapes of the canonical schemas are written as Rust types. */
import type { Json, Schema, Source } from "./load.js";
import { rustReach } from "./rust-reach.js";
import { ShapeError, within } from "./shape-error.js";

export interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly required: boolean;
}

/** Words that Rust keeps for itself and schemas use. */
const keywords = new Set(["type", "use"]);

const integers: Readonly<Record<string, string>> = { int32: "i32", int64: "i64" };

export class RustShapes {
  readonly #types: ReadonlyMap<Json | undefined, Schema>;

  constructor(source: Source) {
    this.#types = new Map(source.types.map(({ schema }) => [schema.$id, schema]));
  }

  target(reference: Json): Schema {
    return this.#types.get(reference) as Schema;
  }

  type(schema: Schema): string {
    if (schema.$ref !== undefined) return String(this.target(schema.$ref).title);
    if (Array.isArray(schema.anyOf)) return `Option<${this.type(nullableReference(schema.anyOf as Schema[]))}>`;
    if (Array.isArray(schema.type)) return this.#unionOfTypes(schema, schema.type);
    return this.#plainType(schema);
  }

  #unionOfTypes(schema: Schema, types: Json[]): string {
    const wanted = types.filter((type) => type !== "null");
    if (wanted.length > 1) return "serde_json::Value";
    return `Option<${this.#plainType({ ...schema, type: wanted[0] as string })}>`;
  }

  #plainType(schema: Schema): string {
    switch (schema.type) {
      case undefined:
        return "serde_json::Value";
      case "string":
        return "String";
      case "boolean":
        return "bool";
      case "number":
        return "f64";
      case "integer":
        return integers[String(schema.format)] as string;
      case "array":
        return `Vec<${within("items", () => this.type(schema.items as Schema))}>`;
      case "object":
        return this.#mapType(schema);
      default:
        throw new ShapeError(`Rust has no type for ${schema.type}`);
    }
  }

  #mapType(schema: Schema): string {
    if (schema.properties !== undefined) throw new ShapeError("an object inside a type needs a file of its own");
    const values = schema.additionalProperties;
    const type = within("additionalProperties", () =>
      values === true ? "serde_json::Value" : this.type(values as Schema),
    );
    return `BTreeMap<String, ${type}>`;
  }
}

/** The schemas that become Rust types; a mere text or number with a name does not. */
export function rustTypes(source: Source) {
  return rustReach(source).filter(({ schema }) => isEnum(schema) || isUnion(schema) || isStruct(schema));
}

export function isEnum(schema: Schema): boolean {
  return Array.isArray(schema.enum);
}

export function isUnion(schema: Schema): boolean {
  return Array.isArray(schema.oneOf) && !isStruct(schema);
}

export function isStruct(schema: Schema): boolean {
  return schema.properties !== undefined;
}

export function fieldsOf(schema: Schema): Field[] {
  const required = new Set((schema.required ?? []) as string[]);
  const properties = Object.entries(schema.properties as Record<string, Schema>);
  return properties.map(([name, property]) => ({ name, schema: property, required: required.has(name) }));
}

/** The name of a field in Rust. */
export function fieldName({ name }: Field): string {
  return keywords.has(name) ? `r#${name}` : name;
}

/** Whether the field may be absent and has no value then. */
export function mayBeAbsent({ schema, required }: Field): boolean {
  return !required && schema.default === undefined;
}

export function isNullable(schema: Schema): boolean {
  if (Array.isArray(schema.anyOf)) return true;
  return Array.isArray(schema.type) && schema.type.includes("null") && schema.type.length === 2;
}

export function nullableReference(variants: Schema[]): Schema {
  const [wanted, nothing] = variants;
  if (variants.length !== 2 || wanted?.$ref === undefined || nothing?.type !== "null")
    throw new ShapeError("anyOf is only for a reference or null");
  return wanted;
}
