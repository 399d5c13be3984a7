/** The rows of a statement that the engine runs for itself, as values. */
import type { KeptRelation, QueryRequest, ResultFormat } from "../schemas/generated/index.js";
import type { Caller } from "./caller.js";
import { parseJson } from "./json.js";
import type { Queries } from "./queries.js";
import type { Query } from "./query.js";

/** For few rows: all are read into memory. */
export async function sqlRows<Row>(queries: Queries, sql: string, caller: Caller): Promise<Row[]> {
  return valuesOf<Row>(await sqlBytes(queries, { sql }, "ndjson", caller));
}

/** The same, of rows that came with a request. */
export async function rowsOver<Row>(
  queries: Queries,
  sql: string,
  kept: Record<string, KeptRelation>,
  caller: Caller,
): Promise<Row[]> {
  return valuesOf<Row>(await bytesOf(queries.over({ sql }, "ndjson", kept, caller)));
}

function valuesOf<Row>(bytes: Buffer): Row[] {
  const text = bytes.toString();
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => parseJson(line) as Row);
}

export async function sqlBytes(
  queries: Queries,
  request: QueryRequest,
  format: ResultFormat,
  caller: Caller,
): Promise<Buffer> {
  return bytesOf(queries.run(request, format, { no_store: true }, caller));
}

async function bytesOf(query: Query): Promise<Buffer> {
  const { body } = await query.start();
  const chunks = [body.first];
  if (body.complete) return body.first;
  for (let chunk = await query.next(); chunk !== null; chunk = await query.next()) chunks.push(chunk);
  return Buffer.concat(chunks);
}
