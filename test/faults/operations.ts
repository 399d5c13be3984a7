/** Operations on a table of numbered rows, and what each of them makes of the rows. */
export interface Row {
  id: number;
  /** The operation that brought the row in. */
  origin: string;
  /** The operation that changed it last. */
  writer: string;
  amount: number;
}

export type Rows = ReadonlyMap<number, Row>;

/** Rows whose number is in a range and has a remainder; all of them when absent. */
export interface Condition {
  from: number;
  below: number;
  modulus: number;
  remainder: number;
}

export type Operation = { id: string } & (
  | { kind: "append"; rows: Row[] }
  | { kind: "overwrite"; rows: Row[] }
  | { kind: "merge"; rows: Row[] }
  | { kind: "delete"; where?: Condition }
  | { kind: "update"; where?: Condition; add: number }
  | { kind: "optimize"; zOrder: boolean }
);

export type OperationKind = Operation["kind"];

export function rowsOf(rows: Iterable<Row>): Rows {
  return new Map(Array.from(rows, (row) => [row.id, row]));
}

/** The rows after the operation. */
export function applied(rows: Rows, operation: Operation): Rows {
  if (operation.kind === "overwrite") return rowsOf(operation.rows);
  if (operation.kind === "append") return rowsOf([...rows.values(), ...operation.rows]);
  if (operation.kind === "merge") return merged(rows, operation.rows);
  if (operation.kind === "delete") return rowsOf([...rows.values()].filter((row) => !meets(row, operation.where)));
  if (operation.kind === "optimize") return rows;
  const { id: writer, where, add } = operation;
  const updated = (row: Row) => ({ ...row, writer, amount: row.amount + add });
  return rowsOf(Array.from(rows.values(), (row) => (meets(row, where) ? updated(row) : row)));
}

/** A merge changes the amounts of the rows that are there, and brings in the others. */
function merged(rows: Rows, source: Row[]): Rows {
  const result = new Map(rows);
  for (const row of source) result.set(row.id, { ...row, origin: rows.get(row.id)?.origin ?? row.origin });
  return result;
}

function meets({ id }: Row, where: Condition | undefined): boolean {
  return !where || (id >= where.from && id < where.below && id % where.modulus === where.remainder);
}

export function sqlOf(where: Condition | undefined): string {
  if (!where) return "true";
  const { from, below, modulus, remainder } = where;
  return `id >= ${from} AND id < ${below} AND id % ${modulus} = ${remainder}`;
}

export function sameRows(left: Rows, right: Rows): boolean {
  if (left.size !== right.size) return false;
  return [...left.values()].every((row) => {
    const other = right.get(row.id);
    return other && other.amount === row.amount && other.writer === row.writer && other.origin === row.origin;
  });
}
