/** The columns of a table or view. */
import type { RelationShape } from "../schemas/generated/index.js";
import type { Caller } from "./caller.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { fromArrowSchema } from "./native.js";
import type { Queries } from "./queries.js";
import { sqlBytes } from "./sql-rows.js";
import type { TableReads } from "./table-reads.js";

/** Without columns where there is no such relation. */
export async function relationShape(
  name: string,
  { reads, queries }: { reads: TableReads; queries: Queries },
  caller: Caller,
): Promise<RelationShape> {
  try {
    const { columns, partition_columns } = await reads.schema(name, {});
    return { name, columns, partition_columns };
  } catch (error) {
    if (!hasCode(error, "table_not_found")) throw error;
  }
  try {
    const sql = `SELECT * FROM "${name}" LIMIT 0`;
    const { fields } = fromArrowSchema(name, await sqlBytes(queries, { sql }, "arrow", caller));
    return { name, columns: fields };
  } catch (error) {
    if (hasCode(error, "unknown_table")) return { name };
    throw error;
  }
}

function hasCode(error: unknown, code: DataFusionEngineError["code"]): boolean {
  return error instanceof DataFusionEngineError && error.code === code;
}
