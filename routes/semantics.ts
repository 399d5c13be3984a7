/** `/v1/semantics`: what relations mean, asked for by metrics and dimensions. */
import {
  EntryConditions,
  EntryPath,
  PageSelection,
  reference,
  SemanticEntry,
  SemanticList,
  SemanticModel,
  SemanticQuery,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, bodyProblems, emptyAnswer, problems } from "./answers.js";
import type { App } from "./app.js";
import { body } from "./bodies.js";
import { etagOf, sendPut, sendWithEtag, writeCondition } from "./conditions.js";
import { linkNext, nextLink } from "./next-link.js";
import { planningProblems, runningProblems } from "./queries.js";
import { writtenAnswer } from "./result-answer.js";

const tags = ["semantics"];
const etagHeader = etagOf("Changes with the model.");
const location = { Location: { type: "string", description: "The path of the model." } } as const;

export function semantics(app: App): void {
  const { semantics } = app.engine;

  app.get(
    "/v1/semantics",
    {
      config: access("read"),
      schema: {
        operationId: "listSemanticModels",
        summary: "List semantic models",
        description: "The semantic models, by name.",
        tags,
        querystring: reference(PageSelection),
        response: { 200: answer(SemanticList, "A page of models.", linkNext), ...problems() },
      },
    },
    (request, reply) => nextLink(request, reply, semantics.list(request.query, request.caller)),
  );

  app.get(
    "/v1/semantics/:name",
    {
      config: access("read"),
      schema: {
        operationId: "getSemanticModel",
        summary: "Show a semantic model",
        description: "A semantic model.",
        tags,
        params: reference(EntryPath),
        response: {
          200: answer(SemanticEntry, "The model.", etagHeader),
          304: emptyAnswer("The model is what `If-None-Match` names.", etagHeader),
          ...problems("semantic_model_not_found"),
        },
      },
    },
    async (request, reply) => {
      const { entry, revision } = semantics.describe(request.params.name, request.caller);
      return sendWithEtag(reply, revision, entry);
    },
  );

  app.put(
    "/v1/semantics/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "putSemanticModel",
        summary: "Register a semantic model",
        description:
          "Registers what a table or view means, in place of the model that has the name. All that is wrong with it is listed together.",
        tags,
        params: reference(EntryPath),
        headers: reference(EntryConditions),
        body: body(SemanticModel),
        response: {
          200: answer(SemanticEntry, "The model took the place of another.", etagHeader),
          201: answer(SemanticEntry, "The model is registered.", { ...etagHeader, ...location }),
          ...problems(...bodyProblems, "too_many_requests", "precondition_failed", "invalid_entry"),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const { created, entry, revision } = await semantics.put(name, request.body, writeCondition(request.headers));
      return sendPut(reply, `/v1/semantics/${name}`, { created, revision }, entry);
    },
  );

  app.delete(
    "/v1/semantics/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "removeSemanticModel",
        summary: "Remove a semantic model",
        description: "Forgets a semantic model.",
        tags,
        params: reference(EntryPath),
        headers: reference(EntryConditions),
        response: {
          204: emptyAnswer("The model is gone."),
          ...problems("semantic_model_not_found", "precondition_failed"),
        },
      },
    },
    async (request, reply) => {
      await semantics.remove(request.params.name, writeCondition(request.headers));
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/v1/semantics/:name/query",
    {
      config: access("read"),
      schema: {
        operationId: "querySemanticModel",
        summary: "Ask a semantic model",
        description:
          "Reckons metrics by dimensions, over the rows that the filters leave. The statement that answers it is shown, and run like any query.",
        tags,
        params: reference(EntryPath),
        body: body(SemanticQuery),
        response: {
          200: writtenAnswer,
          ...problems(
            ...bodyProblems,
            "semantic_model_not_found",
            "not_acceptable",
            ...planningProblems,
            ...runningProblems,
            "unsupported_type",
            "not_cached",
          ),
        },
      },
    },
    (request, reply) => {
      const asked = request.body;
      const policy = request.cachePolicy(asked.cache);
      const format = request.resultFormat();
      const { query, sql } = semantics.ask(request.params.name, asked, format, policy, request.caller);
      return reply.sendResult(query, asked, { sql });
    },
  );
}
