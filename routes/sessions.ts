/** `/v1/sessions`: makes, lists, shows and ends sessions. */
import {
  PageSelection,
  RepeatConditions,
  reference,
  SessionDescription,
  SessionList,
  SessionPath,
  SessionRequest,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, bodyProblems, emptyAnswer, problems } from "./answers.js";
import type { App } from "./app.js";
import { body } from "./bodies.js";
import { linkNext, nextLink } from "./next-link.js";

const tags = ["sessions"];

export function sessions(app: App): void {
  const { sessions } = app.engine;

  app.post(
    "/v1/sessions",
    {
      config: access("read"),
      schema: {
        operationId: "openSession",
        summary: "Open a session",
        description:
          "Makes a session from settings or from a profile by its name. Queries use it by its id; it survives a restart, and ends when it has not been used for `ttl_seconds`. How long it lives is written to disk when a tenth of that time has passed, so that after a crash a session may end as much earlier.",
        tags,
        headers: reference(RepeatConditions),
        body: body(SessionRequest),
        response: {
          201: answer(SessionDescription, "The session.", {
            Location: { type: "string", description: "The path of the session." },
          }),
          ...problems(...bodyProblems, "too_many_requests", "profile_not_found", "idempotency_key_reused"),
        },
      },
    },
    async (request, reply) => {
      const session = await sessions.open(request.body, request.caller, request.headers["idempotency-key"]);
      return reply.code(201).header("location", `/v1/sessions/${session.session_id}`).send(session);
    },
  );

  app.get(
    "/v1/sessions",
    {
      config: access("read"),
      schema: {
        operationId: "listSessions",
        summary: "List sessions",
        description: "The sessions that are open, oldest first.",
        tags,
        querystring: reference(PageSelection),
        response: { 200: answer(SessionList, "A page of sessions.", linkNext), ...problems() },
      },
    },
    (request, reply) => nextLink(request, reply, sessions.list(request.query, request.caller)),
  );

  app.get(
    "/v1/sessions/:id",
    {
      config: access("read"),
      schema: {
        operationId: "getSession",
        summary: "Show a session",
        description: "A session with the settings in effect. Showing it does not count as use.",
        tags,
        params: reference(SessionPath),
        response: {
          200: answer(SessionDescription, "The session."),
          ...problems("session_not_found"),
        },
      },
    },
    (request) => sessions.describe(request.params.id, request.caller),
  );

  app.delete(
    "/v1/sessions/:id",
    {
      config: access("read"),
      schema: {
        operationId: "closeSession",
        summary: "Close a session",
        description: "Ends a session. Queries that run in it go on.",
        tags,
        params: reference(SessionPath),
        response: { 204: emptyAnswer("The session is closed."), ...problems("session_not_found") },
      },
    },
    async (request, reply) => {
      await sessions.close(request.params.id, request.caller);
      return reply.code(204).send(null);
    },
  );
}
