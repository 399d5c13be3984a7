/** The rows of a statement that the engine runs for itself, as values. */
import type { QueryRequest, ResultFormat } from "../schemas/generated/index.js";
import type { Caller } from "./caller.js";
import { parseJson } from "./json.js";
import type { Queries } from "./queries.js";

/** For few rows: all are read into memory. */
export async function sqlRows<Row>(queries: Queries, sql: string, caller: Caller): Promise<Row[]> {
  const text = (await sqlBytes(queries, { sql }, "ndjson", caller)).toString();
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => parseJson(line) as Row);
}

export async function sqlBytes(
  queries: Queries,
  request: QueryRequest,
  format: ResultFormat,
  caller: Caller,
): Promise<Buffer> {
  const query = queries.run(request, format, { no_store: true }, caller);
  const { body } = await query.start();
  const chunks = [body.first];
  if (body.complete) return body.first;
  for (let chunk = await query.next(); chunk !== null; chunk = await query.next()) chunks.push(chunk);
  return Buffer.concat(chunks);
}
