/** How a route declares the bodies it reads. */
import type { Static, TSchema, TUnsafe } from "@sinclair/typebox";
import { reference } from "../schemas/generated/index.js";
import { json, messagePack, rowMediaTypes } from "./media-types.js";

/** A body in JSON or MessagePack, and in further media types where they are given; typed as what the parsers make of it. */
export function body<T extends TSchema>(schema: T, others: Readonly<Record<string, TSchema>> = {}): TUnsafe<Static<T>> {
  const schemas = { [json]: schema, [messagePack]: schema, ...others };
  const content = Object.entries(schemas).map(([type, inner]) => [type, { schema: reference(inner) }]);
  return { content: Object.fromEntries(content) } as unknown as TUnsafe<Static<T>>;
}

const { json: _, ...dataMediaTypes } = rowMediaTypes;

/** What rows look like in the formats that have no schema of their own here. */
const dataContent: Readonly<Record<string, object>> = {
  [dataMediaTypes.ndjson]: text(
    "A row a line.",
    '{"id":1,"origin":"SEA","delay":12}\n{"id":2,"origin":"PDX","delay":null}\n',
  ),
  [dataMediaTypes.csv]: text("A header line, then a row a line.", "id,origin,delay\n1,SEA,12\n2,PDX,\n"),
  [dataMediaTypes.arrow]: file("An Arrow IPC stream.", "examples/rows.arrow"),
  [dataMediaTypes.parquet]: file("A Parquet file.", "examples/rows.parquet"),
};

function text(description: string, example: string): object {
  return { schema: { type: "string", minLength: 1, description, examples: [example] } };
}

/** Its example is a file beside the OpenAPI document. */
function file(description: string, example: string): object {
  const examples = { "two rows": { externalValue: example } };
  return { schema: { type: "string", format: "binary", description, "x-examples": examples } };
}

/** A body that is a value of the schema in JSON or MessagePack, or rows in another format. */
export function rowsBody<T extends TSchema>(schema: T): TUnsafe<Static<T>> {
  const values = body(schema) as unknown as { content: object };
  return { content: { ...values.content, ...dataContent } } as unknown as TUnsafe<Static<T>>;
}
