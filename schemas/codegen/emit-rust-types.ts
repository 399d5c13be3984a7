/** Writes the serde types that cross the border. */
import { emitRustFile } from "./emit-rust-file.js";
import type { Json, Schema, SchemaFile, Source } from "./load.js";
import { origin, pascalCase, snakeCase } from "./names.js";
import {
  type Field,
  fieldName,
  fieldsOf,
  isEnum,
  isNullable,
  isUnion,
  mayBeAbsent,
  type RustShapes,
} from "./rust-shapes.js";
import { ShapeError, within } from "./shape-error.js";

const structDerives = "Debug, Clone, PartialEq, Serialize, Deserialize";
const enumDerives = "Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize";
/** What `Default` gives without being told. */
const plainDefaults = ["null", "false", "0", "[]", "{}", '""'];

export function emitRustTypes(source: Source): string {
  const head = [
    `//! The types that cross the border between TypeScript and Rust. ${origin}`,
    "",
    "use super::error_code::{ErrorCode, ErrorKind};",
    "use super::wire::{self, exact_struct, text_enum};",
    "use serde::{Deserialize, Serialize};",
    "use std::collections::BTreeMap;",
  ];
  return emitRustFile(source, head, emitType);
}

function emitType({ schema }: SchemaFile, shapes: RustShapes): string {
  return [`/// ${schema.description}`, emitBody(schema, shapes)].join("\n");
}

function emitBody(schema: Schema, shapes: RustShapes): string {
  if (isEnum(schema)) return emitEnum(schema, schema.enum as Json[]);
  if (isUnion(schema)) return emitUnion(schema, shapes);
  return emitStruct(schema, shapes);
}

function emitEnum({ title }: Schema, values: Json[]): string {
  const variants = values.map((value) => `    #[serde(rename = "${value}")]\n    ${pascalCase(String(value))},`);
  const head = [`#[derive(${enumDerives})]`, '#[serde(remote = "Self")]', `pub enum ${title} {`];
  return [...head, ...variants, "}", "", `text_enum!(${title});`].join("\n");
}

/** Untagged, so no two variants may be of the same JSON type. */
function emitUnion(schema: Schema, shapes: RustShapes): string {
  const variants = schema.oneOf as Schema[];
  const types = variants.flatMap((variant) => jsonTypes(variant, shapes));
  if (new Set(types).size < types.length)
    throw new ShapeError("the variants do not differ in their JSON types", "/oneOf");
  const lines = variants.map((variant, index) =>
    within(`oneOf/${index}`, () => {
      if (typeof variant.title !== "string") throw new ShapeError("a variant needs a title");
      return `    ${variant.title}(${shapes.type(variant)}),`;
    }),
  );
  return [`#[derive(${structDerives})]`, "#[serde(untagged)]", `pub enum ${schema.title} {`, ...lines, "}"].join("\n");
}

function jsonTypes(variant: Schema, shapes: RustShapes): Json[] {
  const { type } = variant.$ref === undefined ? variant : shapes.target(variant.$ref);
  return [type ?? "any"].flat();
}

function emitStruct(schema: Schema, shapes: RustShapes): string {
  const title = String(schema.title);
  const fields = fieldsOf(schema);
  const allOptional = fields.every(({ required }) => !required);
  const derivesDefault = allOptional && !fields.some(hasOwnDefault);
  const derives = [
    ...(fields.some(isSecret) ? [] : ["Debug"]),
    "Clone, PartialEq",
    ...(derivesDefault ? ["Default"] : []),
    "Serialize, Deserialize",
  ].join(", ");
  const unknown = schema.additionalProperties === false ? "deny_unknown_fields, " : "";
  const body = fields.map((field) => within(`properties/${field.name}`, () => emitField(field, title, shapes)));
  const head = [`#[derive(${derives})]`, `#[serde(${unknown}remote = "Self")]`, `pub struct ${title} {`];
  const struct = [...head, ...body, "}", "", `exact_struct!(${title});`].join("\n");
  const defaults = fields.filter(hasOwnDefault).map((field) => emitDefault(field, title, shapes));
  const whole = allOptional && !derivesDefault ? [emitWholeDefault(title, fields)] : [];
  const debug = fields.some(isSecret) ? [emitDebug(title, fields)] : [];
  return [struct, ...defaults, ...whole, ...debug].join("\n\n");
}

/** Whether a value is taken, and never shown again. */
function isSecret({ schema }: Field): boolean {
  return schema.writeOnly === true;
}

/** What logs and panics may say of the type. */
function emitDebug(title: string, fields: readonly Field[]): string {
  const shown = fields.map((field) => {
    const value = isSecret(field) ? 'format_args!("(not shown)")' : `self.${fieldName(field)}`;
    return `            .field("${field.name}", &${value})`;
  });
  return [
    `impl std::fmt::Debug for ${title} {`,
    "    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {",
    `        f.debug_struct("${title}")`,
    ...shown,
    "            .finish()",
    "    }",
    "}",
  ].join("\n");
}

function emitField(field: Field, title: string, shapes: RustShapes): string {
  const { schema } = field;
  const documentation = typeof schema.description === "string" ? [`    /// ${schema.description}`] : [];
  const type = mayBeAbsent(field) ? `Option<${shapes.type(schema)}>` : shapes.type(schema);
  return [...documentation, ...serdeAttribute(field, title), `    pub ${fieldName(field)}: ${type},`].join("\n");
}

/** Serde takes null for an absent `Option` and an absent one for null, unless it is told. */
function serdeAttribute(field: Field, title: string): string[] {
  if (field.required) return isNullable(field.schema) ? ['    #[serde(deserialize_with = "wire::given")]'] : [];
  if (mayBeAbsent(field)) {
    if (isNullable(field.schema)) throw new ShapeError("a field that may be null and absent needs null as its default");
    const how = ["default", 'deserialize_with = "wire::present"', 'skip_serializing_if = "Option::is_none"'];
    const line = `    #[serde(${how.join(", ")})]`;
    return line.length <= 120 ? [line] : ["    #[serde(", ...how.map((part) => `        ${part},`), "    )]"];
  }
  return hasOwnDefault(field) ? [`    #[serde(default = "${defaultName(field, title)}")]`] : ["    #[serde(default)]"];
}

/** Whether the default is another value than the one `Default` gives. */
function hasOwnDefault({ schema, required }: Field): boolean {
  if (required || schema.default === undefined) return false;
  return !plainDefaults.includes(JSON.stringify(schema.default));
}

function defaultName({ name }: Field, title: string): string {
  return `${snakeCase(title)}_${name}`;
}

function emitDefault(field: Field, title: string, shapes: RustShapes): string {
  const type = within(`properties/${field.name}`, () => shapes.type(field.schema));
  const lines = [`fn ${defaultName(field, title)}() -> ${type} {`, `    ${defaultValue(field, type)}`, "}"];
  return lines.join("\n");
}

function defaultValue({ name, schema }: Field, type: string): string {
  const value = schema.default;
  if (schema.$ref !== undefined) return `${type}::${pascalCase(String(value))}`;
  if (typeof value === "string") return `${JSON.stringify(value)}.to_string()`;
  if (typeof value === "number" || typeof value === "boolean") return JSON.stringify(value);
  throw new ShapeError("Rust cannot write this default", `/properties/${name}/default`);
}

function emitWholeDefault(title: string, fields: Field[]): string {
  const values = fields.map((field) => {
    const value = hasOwnDefault(field) ? `${defaultName(field, title)}()` : "Default::default()";
    return `            ${fieldName(field)}: ${value},`;
  });
  return [
    `impl Default for ${title} {`,
    "    fn default() -> Self {",
    "        Self {",
    ...values,
    "        }",
    "    }",
    "}",
  ].join("\n");
}
