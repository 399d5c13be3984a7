/** Below `/v1/tables/{name}`: the snapshot, schema, history, files and changes of a table. */
import type { FastifyReply } from "fastify";
import {
  DeltaSnapshotInfo,
  reference,
  TableChangePath,
  TableChangeSelection,
  TableFileList,
  TableFileSelection,
  TableHistory,
  TableHistorySelection,
  TablePath,
  TableSchema,
  TableSelection,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, emptyAnswer, problems } from "./answers.js";
import type { App } from "./app.js";
import { etagOf, sendWithEtag } from "./conditions.js";
import { linkNext, nextLink } from "./next-link.js";
import { resultAnswer } from "./result-answer.js";

const tags = ["tables"];
const etagHeader = etagOf("Changes with what is answered.");
const unchanged = emptyAnswer("It is what `If-None-Match` names.", etagHeader);

const readingProblems = [
  "table_not_found",
  "version_not_found",
  "table_unsupported",
  "table_corrupt",
  "table_unreadable",
  "storage_unavailable",
] as const;

const predicateProblems = [
  "statement_not_allowed",
  "invalid_sql",
  "unknown_column",
  "invalid_query",
  "statement_too_complex",
] as const;

const changeProblems = [
  "not_acceptable",
  "session_not_found",
  "gate_failed",
  "change_data_disabled",
  "change_data_expired",
  ...predicateProblems,
  "planning_timeout",
  "query_canceled",
  "arithmetic_error",
  "invalid_cast",
  "memory_exceeded",
  "query_timeout",
  "unsupported_type",
] as const;

export function tableReads(app: App): void {
  const { reads } = app.engine;
  const send = <T extends object>(reply: FastifyReply, value: T) =>
    sendWithEtag(reply, app.engine.revision(value), value);

  app.get(
    "/v1/tables/:name/snapshot",
    {
      config: access("read", "table_not_found"),
      schema: {
        operationId: "getTableSnapshot",
        summary: "Show a table's snapshot",
        description: "What a table is at its newest version or at the one given: protocol, properties and schema.",
        tags,
        params: reference(TablePath),
        querystring: reference(TableSelection),
        response: {
          200: answer(DeltaSnapshotInfo, "The snapshot.", etagHeader),
          304: unchanged,
          ...problems(...readingProblems),
        },
      },
    },
    async (request, reply) => send(reply, await reads.snapshot(request.params.name, request.query)),
  );

  app.get(
    "/v1/tables/:name/schema",
    {
      config: access("read", "table_not_found"),
      schema: {
        operationId: "getTableSchema",
        summary: "Show a table's schema",
        description:
          "The columns of a table at its newest version or at the one given, by Arrow's types, and the schema as Delta writes it.",
        tags,
        params: reference(TablePath),
        querystring: reference(TableSelection),
        response: {
          200: answer(TableSchema, "The schema.", etagHeader),
          304: unchanged,
          ...problems(...readingProblems),
        },
      },
    },
    async (request, reply) => send(reply, await reads.schema(request.params.name, request.query)),
  );

  app.get(
    "/v1/tables/:name/history",
    {
      config: access("read", "table_not_found"),
      schema: {
        operationId: "listTableHistory",
        summary: "List a table's commits",
        description:
          "The commits of a table whose files are still there, newest first, with the versions that they made; up to a version or time where one is given.",
        tags,
        params: reference(TablePath),
        querystring: reference(TableHistorySelection),
        response: {
          200: answer(TableHistory, "A page of commits.", { ...linkNext, ...etagHeader }),
          304: unchanged,
          ...problems(...readingProblems),
        },
      },
    },
    async (request, reply) =>
      send(reply, nextLink(request, reply, await reads.history(request.params.name, request.query))),
  );

  app.get(
    "/v1/tables/:name/files",
    {
      config: access("read", "table_not_found"),
      schema: {
        operationId: "listTableFiles",
        summary: "List a table's files",
        description:
          "The data files of a table at its newest version or at the one given, by path; with a `predicate` those that a query with this filter would read. The gate of the table's registration stands before them.",
        tags,
        params: reference(TablePath),
        querystring: reference(TableFileSelection),
        response: {
          200: answer(TableFileList, "A page of files.", { ...linkNext, ...etagHeader }),
          304: unchanged,
          ...problems(...readingProblems, ...predicateProblems, "gate_failed"),
        },
      },
    },
    async (request, reply) =>
      send(reply, nextLink(request, reply, await reads.files(request.params.name, request.query, request.caller))),
  );

  app.get(
    "/v1/tables/:name/changes",
    {
      config: access("read", "table_not_found"),
      schema: {
        operationId: "readTableChanges",
        summary: "Read a table's changes",
        description:
          "The rows that were inserted, updated and deleted in a range of versions, in no order, streamed like those of a query: each with its `_change_type` (`insert`, `delete`, `update_preimage`, `update_postimage`), `_commit_version` and `_commit_timestamp`. Times are those of the history.",
        tags,
        params: reference(TableChangePath),
        querystring: reference(TableChangeSelection),
        response: { 200: resultAnswer, ...problems(...readingProblems, ...changeProblems) },
      },
    },
    async (request, reply) => {
      const { params, query, caller } = request;
      return reply.sendResult(await reads.changes(params.name, query, request.resultFormat(), caller), query);
    },
  );
}
