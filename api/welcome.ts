/** What a started server prints: where it is, and a line to try it with. */
import type { TableEntry } from "../schemas/generated/index.js";

export function welcome(address: string, tables: readonly TableEntry[]): string {
  const table = tables.find(({ error }) => error === undefined);
  const sql = table === undefined ? "SELECT 1 AS one" : `SELECT * FROM ${quoted(table.name)} LIMIT 3`;
  return [
    "",
    `  Lakegate     ${address}`,
    `  Swagger UI   ${address}/docs`,
    "",
    `  curl -s ${address}/v1/queries -H 'content-type: application/sql' --data-binary '${sql}'`,
    "",
  ].join("\n");
}

function quoted(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `"${name}"`;
}
