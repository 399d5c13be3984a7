/** `/v1/tables`: lists, describes, registers and unregisters tables. */
import {
  EntryConditions,
  PageSelection,
  reference,
  TableConditions,
  TableDefinition,
  TableDescription,
  TableList,
  TablePath,
  TableRemoval,
  TableSelection,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, emptyAnswer, problems } from "./answers.js";
import type { App } from "./app.js";
import { body } from "./bodies.js";
import { etagOf, expectedRevisions, sendPut, sendWithEtag, writeCondition } from "./conditions.js";
import { linkNext, nextLink } from "./next-link.js";
import { location, writeProblems } from "./writing.js";

const tags = ["tables"];
const etagHeader = etagOf("Changes with every registration and every commit of the table.");

const openingProblems = ["table_unsupported", "table_corrupt", "table_unreadable", "storage_unavailable"] as const;

/** Problems of the columns and constraints of a new table. */
const invalidColumns = ["unsupported_type", "unknown_column", "invalid_query", "invalid_sql"] as const;

export function tables(app: App): void {
  const { tables, operations } = app.engine;

  app.get(
    "/v1/tables",
    {
      config: access("read"),
      schema: {
        operationId: "listTables",
        summary: "List tables",
        description:
          "Every table of the warehouse and every registered one, by name; one that cannot be read says why.",
        tags,
        querystring: reference(PageSelection),
        response: { 200: answer(TableList, "A page of tables.", linkNext), ...problems() },
      },
    },
    async (request, reply) => nextLink(request, reply, await tables.list(request.query, request.caller)),
  );

  app.get(
    "/v1/tables/:name",
    {
      config: access("read", "table_not_found"),
      schema: {
        operationId: "getTable",
        summary: "Describe a table",
        description:
          "The schema, protocol, partitioning, properties and size of a table, at its newest version or at the one given.",
        tags,
        params: reference(TablePath),
        querystring: reference(TableSelection),
        response: {
          200: answer(TableDescription, "The table.", etagHeader),
          304: emptyAnswer("The table is what `If-None-Match` names.", etagHeader),
          ...problems("table_not_found", "version_not_found", ...openingProblems),
        },
      },
    },
    async (request, reply) => {
      const { description, revision } = await tables.describe(request.params.name, request.query);
      return sendWithEtag(reply, revision, description);
    },
  );

  app.put(
    "/v1/tables/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "registerTable",
        summary: "Register or create a table",
        description:
          "Serves an existing Delta table, named by its `uri`, in place of the registered one that has the name; it is opened and checked first. Or makes a new, empty table of `columns` where there is none: in the warehouse folder of that name, or at `uri`.",
        tags,
        params: reference(TablePath),
        headers: reference(TableConditions),
        body: body(TableDefinition),
        response: {
          200: answer(TableDescription, "The table took the place of another.", etagHeader),
          201: answer(TableDescription, "The table is served.", {
            ...etagHeader,
            ...location,
          }),
          ...writeProblems(
            "location_not_allowed",
            "name_taken",
            "too_many_requests",
            "table_exists",
            "property_not_allowed",
            ...invalidColumns,
          ),
        },
      },
    },
    async (request, reply) => {
      const { params, caller } = request;
      const { name } = params;
      const condition = writeCondition(request.headers);
      const idempotencyKey = request.headers["idempotency-key"];
      const { created, description, revision } =
        "columns" in request.body
          ? await operations.create(name, request.body, condition, { caller, idempotencyKey })
          : await tables.put(name, request.body, condition);
      return sendPut(reply, `/v1/tables/${name}`, { created, revision }, description);
    },
  );

  app.delete(
    "/v1/tables/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "unregisterTable",
        summary: "Unregister or delete a table",
        description:
          "Ends serving a registered table; its files stay. With `purge` they are deleted, all versions of them, also those of a table of the warehouse, which is served as long as its folder is there.",
        tags,
        params: reference(TablePath),
        querystring: reference(TableRemoval),
        headers: reference(EntryConditions),
        response: {
          204: emptyAnswer("The table is no longer served."),
          ...problems("table_not_found", "name_taken", "precondition_failed", ...openingProblems),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      if (request.query.purge) await tables.purge(name, expectedRevisions(request.headers));
      else await tables.remove(name, writeCondition(request.headers));
      return reply.code(204).send(null);
    },
  );
}
