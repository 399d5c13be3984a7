/** Writes the rules of the schemas that a Rust type cannot say: ranges, lengths, formats, and which fields go together. */
import { emitRustFile } from "./emit-rust-file.js";
import type { Json, Schema, SchemaFile, Source } from "./load.js";
import { origin } from "./names.js";
import {
  type Field,
  fieldName,
  fieldsOf,
  isEnum,
  isNullable,
  isUnion,
  mayBeAbsent,
  nullableReference,
  type RustShapes,
} from "./rust-shapes.js";
import { ShapeError, within } from "./shape-error.js";

/** The function of `rule` for each keyword that narrows a value. */
const narrowing: Readonly<Record<string, string>> = {
  minimum: "minimum",
  maximum: "maximum",
  minLength: "min_length",
  maxLength: "max_length",
  minItems: "min_items",
  maxItems: "max_items",
  minProperties: "min_properties",
  maxProperties: "max_properties",
};

/** Formats that are the Rust type's own. */
const typedFormats: readonly Json[] = ["int32", "int64", "double"];

export function emitRustRules(source: Source): string {
  const head = [
    `//! The rules that a serde type cannot say. ${origin}`,
    "",
    "#![cfg_attr(rustfmt, rustfmt_skip)]",
    "",
    "use super::rule;",
    "use super::types::*;",
    "use super::violation::{At, Validate, Verdict};",
  ];
  return emitRustFile(source, head, emitRules);
}

function emitRules({ schema }: SchemaFile, shapes: RustShapes): string {
  const lines = isEnum(schema) ? [] : isUnion(schema) ? unionLines(schema, shapes) : structLines(schema, shapes);
  if (lines.length === 0) return `impl Validate for ${schema.title} {}`;
  const body = lines.map((line) => `        ${line}`);
  return [`impl Validate for ${schema.title} {`, "    fn validate(&self) -> Verdict {", ...body, "    }", "}"].join(
    "\n",
  );
}

function unionLines(schema: Schema, shapes: RustShapes): string[] {
  const arms = (schema.oneOf as Schema[]).map((variant, index) => {
    const checks = within(`oneOf/${index}`, () => checksOf(variant, "value", shapes));
    return `    Self::${variant.title}(${checks.length > 0 ? "value" : "_"}) => ${chain(checks)},`;
  });
  return ["match self {", ...arms, "}"];
}

function structLines(schema: Schema, shapes: RustShapes): string[] {
  const fields = fieldsOf(schema);
  const lines = [
    ...fields.flatMap((field) => within(`properties/${field.name}`, () => fieldLines(field, shapes))),
    ...conditionLines(schema, new Map(fields.map((field) => [field.name, field]))),
  ];
  return lines.length === 0 ? [] : [...lines, "Ok(())"];
}

function fieldLines(field: Field, shapes: RustShapes): string[] {
  const place = `&self.${fieldName(field)}`;
  const optional = mayBeAbsent(field);
  const checks = optional ? checksOfSome(field.schema, place, shapes) : checksOf(field.schema, place, shapes);
  return checks.map((check) => `${check}.at("${field.name}")?;`);
}

/** Expressions that each give a verdict on the value behind a reference. */
function checksOf(schema: Schema, value: string, shapes: RustShapes): string[] {
  if (schema.$ref !== undefined) return isEnum(shapes.target(schema.$ref)) ? [] : [`rule::valid(${value})`];
  if (isNullable(schema)) return checksOfSome(withoutNull(schema), value, shapes);
  if (Array.isArray(schema.type)) return [`rule::one_of_types(${value}, &${JSON.stringify(schema.type)})`];
  if (schema.type === undefined) return [`rule::any(${value})`];
  return [...ownChecks(schema, value), ...innerChecks(schema, value, shapes)];
}

function checksOfSome(schema: Schema, value: string, shapes: RustShapes): string[] {
  const checks = checksOf(schema, "value", shapes);
  return checks.length === 0 ? [] : [`rule::some(${value}, ${closure(checks)})`];
}

function withoutNull(schema: Schema): Schema {
  if (Array.isArray(schema.anyOf)) return nullableReference(schema.anyOf as Schema[]);
  return { ...schema, type: (schema.type as Json[]).find((type) => type !== "null") as Json };
}

function ownChecks(schema: Schema, value: string): string[] {
  if (schema.pattern !== undefined) throw new ShapeError("Rust cannot check a pattern", "/pattern");
  const limits = Object.entries(narrowing)
    .filter(([keyword]) => schema[keyword] !== undefined)
    .map(([keyword, rule]) => `rule::${rule}(${value}, ${schema[keyword]}${schema.type === "number" ? "f64" : ""})`);
  const unique = schema.uniqueItems === true ? [`rule::unique_items(${value})`] : [];
  return [...limits, ...unique, ...formatChecks(schema.format, value)];
}

function formatChecks(format: Json | undefined, value: string): string[] {
  if (format === undefined || typedFormats.includes(format)) return [];
  if (format === "date-time") return [`rule::date_time(${value})`];
  throw new ShapeError(`Rust cannot check the format ${format}`, "/format");
}

function innerChecks(schema: Schema, value: string, shapes: RustShapes): string[] {
  const { items, additionalProperties, propertyNames } = schema;
  return [
    ...(isSchema(items) ? within("items", () => each("each_item", items, value, shapes)) : []),
    ...(isSchema(propertyNames)
      ? within("propertyNames", () => each("each_name", { type: "string", ...propertyNames }, value, shapes))
      : []),
    ...(additionalProperties === true ? each("each_value", {}, value, shapes) : []),
    ...(isSchema(additionalProperties)
      ? within("additionalProperties", () => each("each_value", additionalProperties, value, shapes))
      : []),
  ];
}

function isSchema(value: Json | undefined): value is Schema {
  return value !== null && typeof value === "object";
}

function each(rule: string, schema: Schema, value: string, shapes: RustShapes): string[] {
  const checks = checksOf(schema, "value", shapes);
  return checks.length === 0 ? [] : [`rule::${rule}(${value}, ${closure(checks)})`];
}

function closure(checks: string[]): string {
  const [, rule] = /^(rule::(?:valid|any))\(value\)$/.exec(checks.join()) ?? [];
  return rule ?? `|value| ${chain(checks)}`;
}

function chain([first = "Ok(())", ...rest]: string[]): string {
  return rest.reduce((done, check) => `${done}.and_then(|()| ${check})`, first);
}

type Fields = ReadonlyMap<string, Field>;

/** The keywords beside `properties` that say which fields go together. */
function conditionLines(schema: Schema, fields: Fields): string[] {
  if (schema.dependentRequired !== undefined)
    throw new ShapeError("Rust cannot check which field needs another", "/dependentRequired");
  const lines: string[] = [];
  const add = (keyword: string, rule: string, conditions: Schema[]): void => {
    const list = within(keyword, () => conditions.map((condition) => emitCondition(condition, fields)));
    const names = [...new Set(conditions.flatMap(namesOf))].join(", ");
    lines.push(`rule::${rule}(&[${list.join(", ")}], "${names}")?;`);
  };
  if (Array.isArray(schema.oneOf)) add("oneOf", "exactly_one", schema.oneOf as Schema[]);
  if (Array.isArray(schema.anyOf)) add("anyOf", "at_least_one", schema.anyOf as Schema[]);
  if (isSchema(schema.not))
    add("not", "none", Array.isArray(schema.not.anyOf) ? (schema.not.anyOf as Schema[]) : [schema.not]);
  return lines;
}

function namesOf({ required }: Schema): string[] {
  return (required ?? []) as string[];
}

/** A boolean expression: all the named fields are there, and are as the condition wants them. */
function emitCondition(condition: Schema, fields: Fields): string {
  const properties = (condition.properties ?? {}) as Record<string, Schema>;
  const names = [...new Set([...namesOf(condition), ...Object.keys(properties)])];
  const wanted = names.flatMap((name) => {
    const field = fields.get(name);
    if (field === undefined) throw new ShapeError(`${name} is no field`);
    return within(name, () => wantedOf(field, properties[name], namesOf(condition).includes(name)));
  });
  return wanted.length === 0 ? "true" : wanted.join(" && ");
}

/** Rust does not know an absent field from one with its default. */
function wantedOf(field: Field, wanted: Schema | undefined, isRequired: boolean): string[] {
  const place = `self.${fieldName(field)}`;
  if (wanted?.type === "null") return [`${place}.is_none()`];
  if (!isRequired) throw new ShapeError("Rust cannot check a condition on a field that may be absent");
  if (wanted?.const === true) return [place];
  if (wanted?.const === false) return [`!${place}`];
  if (wanted?.minProperties === 1) return [`!${place}.is_empty()`];
  if (mayBeAbsent(field) || (isNullable(field.schema) && typeof wanted?.type === "string"))
    return [`${place}.is_some()`];
  if (wanted === undefined && !isNullable(field.schema)) return [];
  throw new ShapeError("Rust cannot check this condition");
}
