/** `/v1/views`: registers views, and serves the rows of each at a URL of its own. */
import type { FastifyReply, FastifyRequest } from "fastify";
import {
  EntryConditions,
  EntryPath,
  PageSelection,
  type QueryRequest,
  type ResultFormat,
  reference,
  ViewDefinition,
  ViewDescription,
  ViewList,
  ViewRowsSelection,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, bodyProblems, emptyAnswer, problems } from "./answers.js";
import type { App } from "./app.js";
import { body } from "./bodies.js";
import { etagOf, sendPut, sendWithEtag, writeCondition } from "./conditions.js";
import { linkNext, nextLink } from "./next-link.js";
import { planningProblems } from "./queries.js";
import { sendUrlResult, urlResultProblems } from "./query.js";
import { cacheHeaders, documentAnswer, partAnswer } from "./result-answer.js";
import { location } from "./writing.js";

const tags = ["views"];
const etagHeader = etagOf("Changes with the view and with those below it.");

export function views(app: App): void {
  const { views } = app.engine;

  app.get(
    "/v1/views",
    {
      config: access("read"),
      schema: {
        operationId: "listViews",
        summary: "List views",
        description: "The views that are registered, by name.",
        tags,
        querystring: reference(PageSelection),
        response: { 200: answer(ViewList, "A page of views.", linkNext), ...problems() },
      },
    },
    async (request, reply) => nextLink(request, reply, views.list(request.query, request.caller)),
  );

  app.get(
    "/v1/views/:name",
    {
      config: access("read", "view_not_found"),
      schema: {
        operationId: "getView",
        summary: "Show a view",
        description: "The statement of a view, its parameters and columns, and what it depends on.",
        tags,
        params: reference(EntryPath),
        response: {
          200: answer(ViewDescription, "The view.", etagHeader),
          304: emptyAnswer("The view is what `If-None-Match` names.", etagHeader),
          ...problems("view_not_found"),
        },
      },
    },
    async (request, reply) => {
      const { description, revision } = views.get(request.params.name);
      return sendWithEtag(reply, revision, description);
    },
  );

  app.put(
    "/v1/views/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "registerView",
        summary: "Register a view",
        description:
          "Has statements read a view by its name, in place of the one that has the name. It is planned first, and so are the views that read it: what can't be planned, or would read itself, is refused.",
        tags,
        params: reference(EntryPath),
        headers: reference(EntryConditions),
        body: body(ViewDefinition),
        response: {
          200: answer(ViewDescription, "The view took the place of another.", etagHeader),
          201: answer(ViewDescription, "The view is registered.", { ...etagHeader, ...location }),
          ...problems(
            ...bodyProblems,
            ...planningProblems,
            "name_taken",
            "too_many_requests",
            "entry_in_use",
            "cyclic_dependency",
            "invalid_entry",
            "contract_not_found",
            "contract_violated",
            "precondition_failed",
          ),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const put = await views.put(name, request.body, writeCondition(request.headers));
      return sendPut(reply, `/v1/views/${name}`, put, put.description);
    },
  );

  app.delete(
    "/v1/views/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "removeView",
        summary: "Remove a view",
        description: "Forgets a view that no other reads.",
        tags,
        params: reference(EntryPath),
        headers: reference(EntryConditions),
        response: {
          204: emptyAnswer("The view is no longer there."),
          ...problems("view_not_found", "entry_in_use", "precondition_failed"),
        },
      },
    },
    async (request, reply) => {
      await views.remove(request.params.name, writeCondition(request.headers));
      return reply.code(204).send(null);
    },
  );

  app.get(
    "/v1/views/:name/rows",
    {
      exposeHeadRoute: false,
      config: access("read", "view_not_found"),
      schema: {
        operationId: "getViewRows",
        summary: "Get the rows of a view",
        description:
          "The rows of a view, by a URL; its parameters are those of the URL, and have their defaults where they are absent. `ETag` and `If-None-Match` tell whether the rows have changed. `Range` is answered for Arrow and Parquet.",
        tags,
        params: reference(EntryPath),
        querystring: reference(ViewRowsSelection),
        response: {
          200: documentAnswer,
          206: partAnswer,
          304: emptyAnswer("The rows are those that `If-None-Match` names.", cacheHeaders),
          ...problems("view_not_found", ...urlResultProblems),
        },
      },
    },
    sendRows,
  );

  app.head(
    "/v1/views/:name/rows",
    {
      config: access("read", "view_not_found"),
      schema: { hide: true, params: reference(EntryPath), querystring: reference(ViewRowsSelection) },
    },
    sendRows,
  );
}

/** What the URL says, once its JSON is read. */
type RowsWanted = Pick<QueryRequest, "tables" | "parameter_tables" | "row_limit" | "numbers" | "row_format"> & {
  format?: ResultFormat;
};

async function sendRows(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { name } = request.params as EntryPath;
  const {
    format = request.resultFormat(),
    tables,
    parameter_tables,
    row_limit,
    numbers,
    row_format,
    ...values
  } = request.query as RowsWanted;
  const style = { tables, parameter_tables, row_limit, numbers, row_format };
  const wanted = Object.fromEntries(Object.entries(style).filter(([, value]) => value !== undefined));
  const { query, caller } = request.server.engine.views.rows(name, values as Record<string, string>, request.caller);
  return sendUrlResult(request, reply, { wanted: { ...query, ...wanted }, format, caller });
}
