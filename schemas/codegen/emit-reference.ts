/** Writes the reference of all errors and types, as Markdown. */
import type { ErrorEntry, Json, Schema, SchemaFile, Source } from "./load.js";
import { origin } from "./names.js";

const groups: Readonly<Record<string, string>> = {
  api: "Requests and answers",
  delta: "Delta tables and their operations",
  engine: "Inside: between the service and its engine",
  errors: "Errors",
};

export function emitReference(source: Source): string {
  const titles = new Map(source.types.map(({ schema }) => [schema.$id, String(schema.title)]));
  const parts = [
    "# Reference",
    origin,
    "## Error codes",
    "A problem answer has a `code` of this closed list; the status, the kind and whether a retry may help follow from it.",
    table(
      ["code", "status", "kind", "retryable", "title", "meaning"],
      Object.entries(source.errors.codes).map(errorRow),
    ),
    "## Kinds of errors",
    table(
      ["kind", "meaning"],
      Object.entries(source.errors.kinds).map(([kind, meaning]) => [`\`${kind}\``, meaning]),
    ),
    ...Object.entries(groups).flatMap(([folder, heading]) => [
      `## ${heading}`,
      ...source.types.filter((file) => folderOf(file) === folder).map(({ schema }) => emitType(schema, titles)),
    ]),
  ];
  return `${parts.join("\n\n")}\n`;
}

function folderOf({ schema }: SchemaFile): string {
  return String(schema.$id).split("/").at(-2) ?? "";
}

function errorRow([code, { status, kind, retryable, title, description }]: [string, ErrorEntry]): string[] {
  return [`\`${code}\``, String(status), `\`${kind}\``, retryable ? "yes" : "no", title, description];
}

type Titles = ReadonlyMap<Json | undefined, string>;

function emitType(schema: Schema, titles: Titles): string {
  const head = [`### ${schema.title}`, String(schema.description)];
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  if (properties.length === 0) return [...head, `${shape(schema, titles)}.`].join("\n\n");
  const required = (schema.required ?? []) as string[];
  const rows = properties.map(([name, inner]) => [
    `\`${name}\``,
    shape(inner, titles),
    required.includes(name) ? "required" : absence(inner),
    String(inner.description ?? ""),
  ]);
  return [...head, table(["field", "type", "when absent", "meaning"], rows), ...conditions(schema)].join("\n\n");
}

function absence({ default: value }: Schema): string {
  return value === undefined ? "" : `\`${JSON.stringify(value)}\``;
}

function conditions({ oneOf, anyOf, not }: Schema): string[] {
  return [
    ...(oneOf === undefined ? [] : [`Exactly one of these goes: ${alternatives(oneOf)}.`]),
    ...(anyOf === undefined ? [] : [`At least one of these goes: ${alternatives(anyOf)}.`]),
    ...(not === undefined ? [] : [`Never together: ${alternatives((not as Schema).anyOf ?? [not])}.`]),
  ];
}

function alternatives(variants: Json): string {
  return (variants as Schema[]).map(alternative).join("; ");
}

function alternative({ required, properties }: Schema): string {
  const wanted = (properties ?? {}) as Record<string, Schema>;
  return (required as string[]).map((name) => `\`${name}\`${wantedAs(wanted[name])}`).join(" and ");
}

function wantedAs(wanted: Schema | undefined): string {
  if (wanted?.const !== undefined) return ` ${wanted.const}`;
  return wanted?.minProperties === undefined ? "" : " not empty";
}

function shape(schema: Schema, titles: Titles): string {
  if (schema.$ref !== undefined) return link(titles.get(schema.$ref));
  const variants = (schema.oneOf ?? schema.anyOf) as Schema[] | undefined;
  if (variants !== undefined) return variants.map((variant) => shape(variant, titles)).join(" or ");
  if (schema.contentSchema !== undefined) return `JSON of ${shape(schema.contentSchema as Schema, titles)}`;
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => `\`${value}\``).join(", ");
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.type === undefined) return "anything";
  return (
    [schema.type]
      .flat()
      .map((type) => named(String(type), schema, titles))
      .join(" or ") + limits(schema)
  );
}

function link(title = ""): string {
  return `[${title}](#${title.toLowerCase()})`;
}

function named(type: string, schema: Schema, titles: Titles): string {
  if (type === "array") return schema.items === undefined ? "list" : `list of ${shape(schema.items as Schema, titles)}`;
  if (type === "object") return mapShape(schema, titles);
  return type === "null" || schema.format === undefined ? type : String(schema.format);
}

function mapShape({ additionalProperties }: Schema, titles: Titles): string {
  if (typeof additionalProperties !== "object") return "object";
  return `map to ${shape(additionalProperties as Schema, titles)}`;
}

const limitNames: Readonly<Record<string, string>> = {
  minimum: "≥",
  maximum: "≤",
  minLength: "length ≥",
  maxLength: "length ≤",
  minItems: "items ≥",
  maxItems: "items ≤",
  minProperties: "entries ≥",
  maxProperties: "entries ≤",
};

function limits(schema: Schema): string {
  const named = Object.entries(limitNames).filter(([keyword]) => schema[keyword] !== undefined);
  const list = [
    ...named.map(([keyword, name]) => `${name} ${schema[keyword]}`),
    ...(schema.uniqueItems === true ? ["no item twice"] : []),
    ...(schema.pattern === undefined ? [] : [`\`${schema.pattern}\``]),
  ];
  return list.length === 0 ? "" : `, ${list.join(", ")}`;
}

function table(heads: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), `|${heads.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}
