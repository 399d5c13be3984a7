/** `/v1/parameter-tables`: relations whose rows are values of a request, a session or a rule. */
import {
  EntryConditions,
  PageSelection,
  ParameterTable,
  ParameterTableEntry,
  ParameterTableList,
  ParameterTablePath,
  ParameterValues,
  RowList,
  reference,
  ValuesSelection,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, bodyProblems, emptyAnswer, problems } from "./answers.js";
import type { App } from "./app.js";
import { body, rowsBody } from "./bodies.js";
import { etagOf, sendPut, sendWithEtag, writeCondition } from "./conditions.js";
import { rowMediaTypes } from "./media-types.js";
import { linkNext, nextLink } from "./next-link.js";

type IncomingRows = Parameters<App["engine"]["parameterTables"]["take"]>[2];

const tags = ["parameter tables"];
const etagHeader = etagOf("Changes with the table and the values of its rule.");
const location = { Location: { type: "string", description: "The path of the parameter table." } } as const;

export function parameterTables(app: App): void {
  const { parameterTables } = app.engine;

  app.get(
    "/v1/parameter-tables",
    {
      config: access("read"),
      schema: {
        operationId: "listParameterTables",
        summary: "List parameter tables",
        description: "The parameter tables, by name.",
        tags,
        querystring: reference(PageSelection),
        response: { 200: answer(ParameterTableList, "A page of parameter tables.", linkNext), ...problems() },
      },
    },
    (request, reply) => nextLink(request, reply, parameterTables.list(request.query, request.caller)),
  );

  app.get(
    "/v1/parameter-tables/:name",
    {
      config: access("read", "parameter_table_not_found"),
      schema: {
        operationId: "getParameterTable",
        summary: "Show a parameter table",
        description: "A parameter table, and the values that are read where a query has no others.",
        tags,
        params: reference(ParameterTablePath),
        response: {
          200: answer(ParameterTableEntry, "The parameter table.", etagHeader),
          304: emptyAnswer("The parameter table is what `If-None-Match` names.", etagHeader),
          ...problems("parameter_table_not_found"),
        },
      },
    },
    async (request, reply) => {
      const { entry, revision } = parameterTables.describe(request.params.name);
      return sendWithEtag(reply, revision, entry);
    },
  );

  app.put(
    "/v1/parameter-tables/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "putParameterTable",
        summary: "Register a parameter table",
        description:
          "Registers a relation that statements read by its name, in place of the parameter table that has it. Values that no longer fit its columns are forgotten.",
        tags,
        params: reference(ParameterTablePath),
        headers: reference(EntryConditions),
        body: body(ParameterTable),
        response: {
          200: answer(ParameterTableEntry, "The parameter table took the place of another.", etagHeader),
          201: answer(ParameterTableEntry, "The parameter table is registered.", { ...etagHeader, ...location }),
          ...problems(...bodyProblems, "name_taken", "too_many_requests", "precondition_failed", "invalid_entry"),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const condition = writeCondition(request.headers);
      const { created, entry, revision } = await parameterTables.put(name, request.body, condition);
      return sendPut(reply, `/v1/parameter-tables/${name}`, { created, revision }, entry);
    },
  );

  app.delete(
    "/v1/parameter-tables/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "removeParameterTable",
        summary: "Remove a parameter table",
        description: "Forgets a parameter table that no view reads, and its values.",
        tags,
        params: reference(ParameterTablePath),
        headers: reference(EntryConditions),
        response: {
          204: emptyAnswer("The parameter table is gone."),
          ...problems("parameter_table_not_found", "precondition_failed", "entry_in_use"),
        },
      },
    },
    async (request, reply) => {
      await parameterTables.remove(request.params.name, writeCondition(request.headers));
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/v1/parameter-tables/:name/values",
    {
      config: { ...access("read", "parameter_table_not_found"), streamed: Object.values(rowMediaTypes) },
      schema: {
        operationId: "sendParameterValues",
        summary: "Send values of a parameter table",
        description:
          "Takes the rows of the body as values: for queries that name their signature, for those of a session, or for all that have no others. Equal rows have the same signature, in whatever order or format they come.",
        tags,
        params: reference(ParameterTablePath),
        querystring: reference(ValuesSelection),
        body: rowsBody(RowList),
        response: {
          200: answer(ParameterValues, "The values."),
          ...problems(
            ...bodyProblems,
            "parameter_table_not_found",
            "session_not_found",
            "precondition_failed",
            "constraint_violated",
            "invalid_rows",
            "unsupported_type",
            "memory_exceeded",
          ),
        },
      },
    },
    (request) => {
      const rows = request.incomingRows() as IncomingRows;
      return parameterTables.take(request.params.name, request.query, rows, request.caller);
    },
  );
}
