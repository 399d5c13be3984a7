/** What statements have in common that differ in their values only. */

const values = /'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b/g;

export function shapeOf(sql: string): string {
  return sql.replace(values, "?");
}
