/** Writes the serde types that cross the border. */
import type { Json, Schema, SchemaFile, Source } from "./load.js";
import { origin, pascalCase, snakeCase } from "./names.js";
import { rustReach } from "./rust-reach.js";

type TitleOf = (reference: Json) => string;

interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly required: boolean;
}

const structDerives = "Debug, Clone, PartialEq, Serialize, Deserialize";
const enumDerives = "Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize";
const integers: Record<string, string> = { int32: "i32", int64: "i64" };

export function emitRustTypes(source: Source): string {
  const titles = new Map(source.types.map(({ schema }) => [schema.$id, String(schema.title)]));
  const titleOf: TitleOf = (reference) => titles.get(reference) as string;
  const types = rustReach(source).filter((file) => isEmitted(file.schema));
  const head = [
    `//! The types that cross the border between TypeScript and Rust. ${origin}`,
    "",
    "use super::error_code::{ErrorCode, ErrorKind};",
    "use serde::{Deserialize, Serialize};",
    "use std::collections::BTreeMap;",
  ];
  return `${[head.join("\n"), ...types.map((file) => emitType(file, titleOf))].join("\n\n")}\n`;
}

function isEmitted(schema: Schema): boolean {
  return schema.enum !== undefined || isUnion(schema) || schema.properties !== undefined;
}

function isUnion(schema: Schema): boolean {
  return Array.isArray(schema.oneOf) && schema.properties === undefined;
}

function emitType(file: SchemaFile, titleOf: TitleOf): string {
  const { schema } = file;
  const documentation = `/// ${schema.description}`;
  if (Array.isArray(schema.enum)) return [documentation, emitEnum(schema, schema.enum)].join("\n");
  if (isUnion(schema)) return [documentation, emitUnion(schema, titleOf)].join("\n");
  return [documentation, emitStruct(file, titleOf)].join("\n");
}

function emitEnum(schema: Schema, values: Json[]): string {
  const variants = values.map((value) => `    #[serde(rename = "${value}")]\n    ${pascalCase(String(value))},`);
  return [`#[derive(${enumDerives})]`, `pub enum ${schema.title} {`, ...variants, "}"].join("\n");
}

function emitUnion(schema: Schema, titleOf: TitleOf): string {
  const variants = (schema.oneOf as Schema[]).map((variant) => {
    if (typeof variant.title !== "string") throw new Error(`${schema.title}: a variant has no title`);
    return `    ${variant.title}(${rustType(variant, titleOf)}),`;
  });
  return [`#[derive(${structDerives})]`, "#[serde(untagged)]", `pub enum ${schema.title} {`, ...variants, "}"].join(
    "\n",
  );
}

function emitStruct({ schema }: SchemaFile, titleOf: TitleOf): string {
  const title = String(schema.title);
  const fields = fieldsOf(schema);
  const derives = fields.every(hasPlainDefault)
    ? structDerives.replace("PartialEq", "PartialEq, Default")
    : structDerives;
  const unknown = schema.additionalProperties === false ? ["#[serde(deny_unknown_fields)]"] : [];
  const body = fields.map((field) => emitField(field, title, titleOf));
  const struct = [`#[derive(${derives})]`, ...unknown, `pub struct ${title} {`, ...body, "}"].join("\n");
  const defaults = fields.filter(hasOwnDefault).map((field) => emitDefault(field, title, titleOf));
  return [struct, ...defaults].join("\n\n");
}

function fieldsOf(schema: Schema): Field[] {
  const required = new Set((schema.required ?? []) as string[]);
  const properties = Object.entries(schema.properties as Record<string, Schema>);
  return properties.map(([name, property]) => ({ name, schema: property, required: required.has(name) }));
}

function emitField(field: Field, title: string, titleOf: TitleOf): string {
  const documentation = typeof field.schema.description === "string" ? [`    /// ${field.schema.description}`] : [];
  const name = field.name === "type" ? "r#type" : field.name;
  const type = isOptional(field) ? `Option<${rustType(field.schema, titleOf)}>` : rustType(field.schema, titleOf);
  return [...documentation, ...serdeAttribute(field, title), `    pub ${name}: ${type},`].join("\n");
}

function serdeAttribute(field: Field, title: string): string[] {
  if (field.required) return [];
  if (isOptional(field)) return ['    #[serde(default, skip_serializing_if = "Option::is_none")]'];
  return hasOwnDefault(field) ? [`    #[serde(default = "${defaultName(field, title)}")]`] : ["    #[serde(default)]"];
}

function isOptional(field: Field): boolean {
  return !field.required && field.schema.default === undefined;
}

function hasPlainDefault(field: Field): boolean {
  return !field.required && !hasOwnDefault(field);
}

/** Whether the default is another value than the one `Default` gives. */
function hasOwnDefault({ schema, required }: Field): boolean {
  if (required || schema.default === undefined) return false;
  return !["false", "0", "[]", "{}", '""'].includes(JSON.stringify(schema.default));
}

function defaultName({ name }: Field, title: string): string {
  return `${snakeCase(title)}_${name}`;
}

function emitDefault(field: Field, title: string, titleOf: TitleOf): string {
  const type = rustType(field.schema, titleOf);
  const value = field.schema.default;
  const text = field.schema.$ref === undefined ? JSON.stringify(value) : `${type}::${pascalCase(String(value))}`;
  return [`fn ${defaultName(field, title)}() -> ${type} {`, `    ${text}`, "}"].join("\n");
}

function rustType(schema: Schema, titleOf: TitleOf): string {
  if (schema.$ref !== undefined) return titleOf(schema.$ref);
  if (Array.isArray(schema.anyOf)) return nullableReference(schema.anyOf as Schema[], titleOf);
  if (Array.isArray(schema.type)) return unionOfTypes(schema, schema.type, titleOf);
  return plainType(schema, titleOf);
}

function nullableReference(variants: Schema[], titleOf: TitleOf): string {
  const [wanted, nothing] = variants;
  if (variants.length !== 2 || wanted?.$ref === undefined || nothing?.type !== "null")
    throw new Error("anyOf is only for a reference or null");
  return `Option<${titleOf(wanted.$ref)}>`;
}

function unionOfTypes(schema: Schema, types: Json[], titleOf: TitleOf): string {
  const wanted = types.filter((type) => type !== "null");
  if (wanted.length > 1) return "serde_json::Value";
  return `Option<${plainType({ ...schema, type: wanted[0] as string }, titleOf)}>`;
}

function plainType(schema: Schema, titleOf: TitleOf): string {
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
      return `Vec<${rustType(schema.items as Schema, titleOf)}>`;
    case "object":
      return mapType(schema, titleOf);
    default:
      throw new Error(`the type ${schema.type} is not supported`);
  }
}

function mapType(schema: Schema, titleOf: TitleOf): string {
  if (schema.properties !== undefined) throw new Error("an object inside a type needs a file of its own");
  const values = schema.additionalProperties;
  return `BTreeMap<String, ${values === true ? "serde_json::Value" : rustType(values as Schema, titleOf)}>`;
}
