/** Makes what clients send for a table operation out of the engine's request: the same without the table, which the URL names. */
import type { Json, Schema, SchemaFile } from "./load.js";
import { snakeCase } from "./names.js";

interface Derivation {
  readonly from: string;
  readonly title: string;
  readonly without?: readonly string[];
  /** What the engine's request may leave out and this one not. */
  readonly needs?: readonly string[];
  /** Whether a place may be named, since there is no table yet. */
  readonly placed?: boolean;
}

const derivations: readonly Derivation[] = [
  { from: "DeltaDeleteRequest", title: "DeleteBody" },
  { from: "DeltaUpdateRequest", title: "UpdateBody" },
  { from: "DeltaMergeRequest", title: "MergeBody", needs: ["source"] },
  { from: "DeltaMergeRequest", title: "RowsMerge", without: ["source"] },
  { from: "DeltaOptimizeRequest", title: "OptimizeBody" },
  { from: "DeltaVacuumRequest", title: "VacuumBody" },
  { from: "DeltaRestoreRequest", title: "RestoreBody" },
  { from: "DeltaSetPropertiesRequest", title: "SetPropertiesBody" },
  { from: "DeltaAddFeaturesRequest", title: "AddFeaturesBody" },
  { from: "DeltaAddConstraintsRequest", title: "AddConstraintsBody" },
  { from: "DeltaDropConstraintsRequest", title: "DropConstraintsBody" },
  { from: "DeltaCheckpointRequest", title: "CheckpointBody" },
  { from: "DeltaCleanupMetadataRequest", title: "CleanupMetadataBody" },
  { from: "DeltaDataCheckRequest", title: "DataCheckBody", without: ["commit_options"] },
  { from: "DeltaConvertRequest", title: "ConvertBody", placed: true },
  { from: "DeltaCreateRequest", title: "TableCreation", without: ["mode"], placed: true },
];

export function operationBodies(types: readonly SchemaFile[]): SchemaFile[] {
  const byTitle = new Map(types.map(({ schema }) => [schema.title, schema]));
  const named = (title: string) => byTitle.get(title) as Schema;
  const bodies = derivations.map((derivation) => body(derivation, named));
  const selected = named("OperationSelection").properties as Schema;
  return [...bodies, rowsSelection(named("DeltaWriteRequest"), selected, types)];
}

function body(derivation: Derivation, named: (title: string) => Schema): SchemaFile {
  const { from, title, without = [], needs = [], placed = false } = derivation;
  const request = named(from);
  const left = omit(request.properties as Schema, ["table", ...without]) as Record<string, Schema>;
  const needed = needs.map((name) => [name, required(left[name] as Schema)]);
  const place = placed ? placeOf(named("TableRegistration")) : {};
  const examples = (request.examples as Schema[]).filter((example) => needs.every((name) => name in example));
  return file(title, {
    ...request,
    properties: { ...left, ...Object.fromEntries(needed), ...place },
    required: [...((request.required ?? []) as string[]).filter((name) => name !== "table"), ...needs],
    examples: distinct(examples.map((example) => omit(example, ["table", ...without]))),
  });
}

/** The schema of a field that may be null as one that is always there. */
function required({ description, anyOf }: Schema): Schema {
  const [value] = anyOf as Schema[];
  return { ...value, description: description as Json };
}

function placeOf({ properties }: Schema): Schema {
  const { uri, storage_options } = properties as { uri: Schema; storage_options: Schema };
  const description = "Where the table is, inside an allowed location; its folder in the warehouse when absent.";
  return { uri: { ...uri, description }, storage_options };
}

/** How rows are written, as a query string: what is no plain value is a JSON text, a list is separated by commas. */
function rowsSelection(request: Schema, selected: Schema, types: readonly SchemaFile[]): SchemaFile {
  const byId = new Map(types.map(({ schema }) => [schema.$id, schema]));
  const properties = omit(request.properties as Schema, ["table"]) as Record<string, Schema>;
  const texts = Object.entries(properties).map(([name, schema]) => [name, asText(schema, byId)]);
  const { mode, ...others } = Object.fromEntries(texts);
  return file("RowsSelection", {
    ...request,
    description: "How the rows of a body are written.",
    properties: { mode: { ...mode, default: "append" }, ...others, ...selected },
    required: [],
    examples: [{ mode: "append" }, { mode: "overwrite", replace_where: "day = '2026-01-15'" }],
  });
}

function asText(schema: Schema, byId: ReadonlyMap<Json | undefined, Schema>): Schema {
  const { default: _, description, anyOf, ...plain } = schema;
  const value = anyOf === undefined ? notNull(plain) : ((anyOf as Schema[])[0] as Schema);
  const { type } = byId.get(value.$ref) ?? value;
  if (type === "array") return { type: "string", minLength: 1, description: `${description} Separated by commas.` };
  if (type === "object")
    return {
      type: "string",
      contentMediaType: "application/json",
      contentSchema: value,
      description: `${description} As JSON.`,
    };
  return { ...value, description: description as Json };
}

function notNull(schema: Schema): Schema {
  if (!Array.isArray(schema.type)) return schema;
  return { ...schema, type: schema.type.filter((type) => type !== "null")[0] as Json };
}

function file(title: string, schema: Schema): SchemaFile {
  const path = `api/${snakeCase(title)}.schema.json`;
  return { path, schema: { ...schema, $id: `https://lakegate.dev/schemas/${path}`, title } };
}

function omit(value: Schema, names: readonly string[]): Schema {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

function distinct(values: Schema[]): Schema[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
