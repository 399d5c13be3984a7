/** Rows of a query, as JSON: for checking what was written. */
import { exportWhole } from "./export.js";

export async function rowsIn(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const answer = JSON.parse((await exportWhole(url, sql, "application/json")).toString("utf8"));
  return answer.data;
}
