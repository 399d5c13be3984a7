/** What every route that writes to a table has: its headers, its problems, and how its outcome is answered. */
import type { TSchema } from "@sinclair/typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ErrorCode, OperationConditions, OperationSelection } from "../schemas/generated/index.js";
import { bodyProblems, type HeaderDescription, problems } from "./answers.js";
import { etag, etagOf, expectedRevisions } from "./conditions.js";

export const etagHeader: Record<string, HeaderDescription> = etagOf("The table as the operation left it.");

export const location: Record<string, HeaderDescription> = {
  Location: { type: "string", description: "The path of the table." },
};

const everyWrite: readonly ErrorCode[] = [
  ...bodyProblems,
  "table_not_found",
  "session_not_found",
  "precondition_failed",
  "gate_failed",
  "table_conflict",
  "protocol_unavailable",
  "table_not_writable",
  "table_unsupported",
  "table_corrupt",
  "table_unreadable",
  "idempotency_key_reused",
  "memory_exceeded",
  "not_implemented",
  "storage_unavailable",
];

/** Problems of operations that evaluate SQL expressions. */
export const expressionProblems: readonly ErrorCode[] = [
  "statement_not_allowed",
  "invalid_sql",
  "unknown_table",
  "unknown_column",
  "invalid_query",
  "statement_too_complex",
  "arithmetic_error",
  "invalid_cast",
  "unsupported_type",
  "planning_timeout",
  "query_timeout",
];

export function writeProblems(...codes: readonly ErrorCode[]): Record<never, TSchema> {
  return problems(...everyWrite, ...codes);
}

interface OperationRequest {
  readonly caller: FastifyRequest["caller"];
  readonly headers: OperationConditions;
  readonly query: OperationSelection;
}

/** What a request says about its operation, besides what is to be done. */
export function terms({ caller, headers, query }: OperationRequest) {
  return {
    caller,
    revisions: expectedRevisions(headers),
    idempotencyKey: headers["idempotency-key"],
    sessionId: query.session_id,
  };
}

export function sendOutcome<T>(reply: FastifyReply, { report, revision }: { report: T; revision: string }): T {
  reply.header("etag", etag(revision));
  return report;
}

export function sendCreated<T>(
  reply: FastifyReply,
  name: string,
  outcome: { report: T; revision: string },
): FastifyReply {
  return reply.code(201).header("location", `/v1/tables/${name}`).send(sendOutcome(reply, outcome));
}
