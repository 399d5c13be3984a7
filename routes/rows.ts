/** `/v1/tables/{name}/rows` and `/merge`: rows that come into a table. */
import {
  DeltaMutationReport,
  MergeBody,
  MergeSelection,
  OperationConditions,
  RowList,
  RowsSelection,
  reference,
  TablePath,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer } from "./answers.js";
import type { App } from "./app.js";
import { rowsBody } from "./bodies.js";
import { rowMediaTypes } from "./media-types.js";
import { etagHeader, expressionProblems, location, sendCreated, sendOutcome, terms, writeProblems } from "./writing.js";

type IncomingRows = Parameters<App["engine"]["operations"]["write"]>[2];

const tags = ["tables"];

const { json: _, ...dataMediaTypes } = rowMediaTypes;

const rowProblems = ["constraint_violated", "invalid_rows", "unsupported_type"] as const;

export function rows(app: App): void {
  const { operations } = app.engine;

  app.post(
    "/v1/tables/:name/rows",
    {
      config: { ...access("write", "table_not_found"), streamed: Object.values(rowMediaTypes) },
      schema: {
        operationId: "writeRows",
        summary: "Write rows",
        description:
          "Appends the rows of the body, unless `mode` says that they take the place of others or make a new table. They stream in and become one commit, or none where one of them does not fit.",
        tags,
        params: reference(TablePath),
        querystring: reference(RowsSelection),
        headers: reference(OperationConditions),
        body: rowsBody(RowList),
        response: {
          200: answer(DeltaMutationReport, "What was written.", etagHeader),
          201: answer(DeltaMutationReport, "The table was made.", { ...etagHeader, ...location }),
          ...writeProblems(...expressionProblems, ...rowProblems, "table_append_only", "table_exists", "name_taken"),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const { mode = "append", partition_columns, session_id: _session, ...selection } = request.query;
      const write = { ...selection, mode, partition_columns: partition_columns?.split(",") ?? null };
      const rows = request.incomingRows() as IncomingRows;
      const outcome = await operations.write(name, write, rows, terms(request));
      return mode === "create" ? sendCreated(reply, name, outcome) : sendOutcome(reply, outcome);
    },
  );

  app.post(
    "/v1/tables/:name/merge",
    {
      config: { ...access("write", "table_not_found"), streamed: Object.values(dataMediaTypes) },
      schema: {
        operationId: "mergeRows",
        summary: "Merge rows",
        description:
          "Matches the rows of a source with those of the table, then changes, deletes or inserts. The source is a table, a SELECT or rows in the body; or the body is the rows, in another format than JSON, and the query parameter `request` says the rest.",
        tags,
        params: reference(TablePath),
        querystring: reference(MergeSelection),
        headers: reference(OperationConditions),
        body: rowsBody(MergeBody),
        response: {
          200: answer(DeltaMutationReport, "What was done.", etagHeader),
          ...writeProblems(...expressionProblems, ...rowProblems, "table_append_only"),
        },
      },
    },
    async (request, reply) => {
      const merge = { body: request.body, request: request.query.request, rows: request.incomingRows() };
      return sendOutcome(reply, await operations.merge(request.params.name, merge, terms(request)));
    },
  );
}
