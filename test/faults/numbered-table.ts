/** The table of numbered rows over HTTP. */
import type { DeltaMutationReport, Problem, QueryAnswer } from "../../schemas/generated/index.js";
import type { Answer, Client } from "../fixture/client.js";
import { type Operation, type Row, type Rows, rowsOf, sqlOf } from "./operations.js";

/** How an operation ended for its client; `after` is a version that was acknowledged before it began. */
export type Outcome = { operation: Operation } & (
  | { ended: "done"; version: number; skipped: boolean; after: number }
  | { ended: "refused"; status: number; problem: Problem }
  /** The connection broke: it may have happened or not. */
  | { ended: "unknown" }
);

export const columns = [
  { name: "id", dtype: "Int64", nullable: false },
  { name: "origin", dtype: "Utf8" },
  { name: "writer", dtype: "Utf8" },
  { name: "amount", dtype: "Int64" },
];

const lines = { "content-type": "application/x-ndjson" };
const json = { "content-type": "application/json" };

export interface Sent {
  path: string;
  headers: Record<string, string>;
  body: string;
}

export async function createNumbered(client: Client, table: string, properties = {}): Promise<void> {
  const made = await client.sendJson(`/v1/tables/${table}`, { columns, properties }, { method: "PUT" });
  if (made.status !== 201) throw new Error(`the table was not made: ${made.status} ${made.text}`);
}

/** The request by which an operation is made. */
export function requestFor(table: string, operation: Operation): Sent {
  const path = `/v1/tables/${table}`;
  const { kind } = operation;
  if (kind === "append" || kind === "overwrite")
    return { path: `${path}/rows?mode=${kind}`, headers: lines, body: asLines(operation.rows) };
  return { path: `${path}/${kind}`, headers: json, body: JSON.stringify(instructions(operation)) };
}

function asLines(rows: Row[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

function instructions(operation: Exclude<Operation, { kind: "append" | "overwrite" }>): object {
  if (operation.kind === "delete") return { predicate: sqlOf(operation.where) };
  if (operation.kind === "optimize") return operation.zOrder ? { z_order_columns: ["id"] } : {};
  if (operation.kind === "merge") return mergeOf(operation.rows);
  const updates = { amount: `amount + ${operation.add}`, writer: `'${operation.id}'` };
  return { predicate: sqlOf(operation.where), updates };
}

function mergeOf(rows: Row[]): object {
  return {
    source: { rows },
    source_alias: "s",
    target_alias: "t",
    predicate: "t.id = s.id",
    matched_updates: { writer: "s.writer", amount: "s.amount" },
    not_matched_inserts: { id: "s.id", origin: "s.origin", writer: "s.writer", amount: "s.amount" },
  };
}

/** Sends an operation once. */
export async function perform(
  client: Client,
  table: string,
  operation: Operation,
  { headers = {}, after = 0 }: { headers?: Record<string, string>; after?: number } = {},
): Promise<Outcome> {
  const request = requestFor(table, operation);
  try {
    const answer = await client.send(request.path, {
      method: "POST",
      headers: { ...request.headers, ...headers },
      body: request.body,
    });
    return outcomeOf(operation, answer, after);
  } catch (error) {
    if (error instanceof TypeError) return { operation, ended: "unknown" };
    throw error;
  }
}

export function outcomeOf(operation: Operation, answer: Answer, after: number): Outcome {
  if (answer.status >= 400) {
    return { operation, ended: "refused", status: answer.status, problem: answer.as<Problem>() };
  }
  const { version, skipped } = answer.as<DeltaMutationReport>();
  return { operation, ended: "done", version, skipped, after };
}

export function isConflict(outcome: Outcome): boolean {
  return outcome.ended === "refused" && outcome.status === 409 && outcome.problem.retryable;
}

/** The rows at a version, or now. */
export async function readNumbered(client: Client, table: string, version?: number): Promise<Rows> {
  const tables = version === undefined ? {} : { tables: { [table]: { version } } };
  const answer = await client.query({ sql: `SELECT id, origin, writer, amount FROM ${table}`, ...tables });
  if (answer.status !== 200) throw new Error(`${table} is unreadable at ${version}: ${answer.status} ${answer.text}`);
  const { data } = answer.as<QueryAnswer>();
  const rows = rowsOf(data as unknown as Row[]);
  if (rows.size !== data.length) throw new Error(`${table} has rows twice at version ${version}`);
  return rows;
}
