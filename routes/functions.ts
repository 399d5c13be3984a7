/** `/v1/functions`: the functions that SQL can call, and macros as functions of one's own. */
import {
  EntryConditions,
  FunctionDefinition,
  FunctionInfo,
  FunctionKindSelection,
  FunctionList,
  FunctionPath,
  FunctionSelection,
  reference,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, bodyProblems, emptyAnswer, problems } from "./answers.js";
import type { App } from "./app.js";
import { body } from "./bodies.js";
import { etagOf, sendPut, sendWithEtag, writeCondition } from "./conditions.js";
import { linkNext, nextLink } from "./next-link.js";

const tags = ["functions"];
const etagHeader = etagOf("Changes with the function.");

export function functions(app: App): void {
  const { functions } = app.engine;

  app.get(
    "/v1/functions",
    {
      config: access("read"),
      schema: {
        operationId: "listFunctions",
        summary: "List functions",
        description: "Every function that SQL can call, built in or registered, by name.",
        tags,
        querystring: reference(FunctionSelection),
        response: { 200: answer(FunctionList, "A page of functions.", linkNext), ...problems() },
      },
    },
    async (request, reply) => nextLink(request, reply, functions.list(request.query)),
  );

  app.get(
    "/v1/functions/:name",
    {
      config: access("read"),
      schema: {
        operationId: "getFunction",
        summary: "Describe a function",
        description:
          "The signatures, volatility, documentation and examples of a function, by its name or an alias. Where functions of several kinds have the name, `kind` tells which one.",
        tags,
        params: reference(FunctionPath),
        querystring: reference(FunctionKindSelection),
        response: {
          200: answer(FunctionInfo, "The function.", etagHeader),
          304: emptyAnswer("The function is what `If-None-Match` names.", etagHeader),
          ...problems("function_not_found"),
        },
      },
    },
    async (request, reply) => {
      const { info, revision } = functions.get(request.params.name, request.query.kind);
      return sendWithEtag(reply, revision, info);
    },
  );

  app.put(
    "/v1/functions/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "defineFunction",
        summary: "Define a macro",
        description:
          "Makes an SQL expression a function, in place of the macro that has the name. A call stands for the expression with the arguments, in brackets, in place of its parameters; so an argument that is named twice is computed twice. Macros may call macros, and are let in wherever SQL is; queries and views see a change at once, and constraints of tables keep what a macro was.",
        tags,
        params: reference(FunctionPath),
        headers: reference(EntryConditions),
        body: body(FunctionDefinition),
        response: {
          200: answer(FunctionInfo, "The macro took the place of another.", etagHeader),
          201: answer(FunctionInfo, "The macro is defined.", {
            ...etagHeader,
            Location: { type: "string", description: "The path of the function." },
          }),
          ...problems(
            ...bodyProblems,
            "name_taken",
            "too_many_requests",
            "precondition_failed",
            "invalid_entry",
            "cyclic_dependency",
            "invalid_sql",
            "invalid_query",
            "statement_not_allowed",
            "statement_too_complex",
          ),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const { created, info, revision } = await functions.putSettled(
        name,
        request.body,
        writeCondition(request.headers),
      );
      return sendPut(reply, `/v1/functions/${name}`, { created, revision }, info);
    },
  );

  app.delete(
    "/v1/functions/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "removeFunction",
        summary: "Remove a macro",
        description: "Forgets a macro that no other calls. Built-in functions stay.",
        tags,
        params: reference(FunctionPath),
        headers: reference(EntryConditions),
        response: {
          204: emptyAnswer("The macro is removed."),
          ...problems("function_not_found", "name_taken", "entry_in_use", "precondition_failed"),
        },
      },
    },
    async (request, reply) => {
      await functions.remove(request.params.name, writeCondition(request.headers));
      return reply.code(204).send(null);
    },
  );
}
