/** `/v1/profiles`: settings under a name, from which sessions are made. */
import {
  EntryConditions,
  PageSelection,
  ProfileInfo,
  ProfileList,
  ProfilePath,
  reference,
  SessionProfile,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, bodyProblems, emptyAnswer, problems } from "./answers.js";
import type { App } from "./app.js";
import { body } from "./bodies.js";
import { etagOf, sendPut, sendWithEtag, writeCondition } from "./conditions.js";
import { linkNext, nextLink } from "./next-link.js";

const tags = ["profiles"];
const etagHeader = etagOf("Changes with the profile and with those that it is based on.");

export function profiles(app: App): void {
  const { profiles } = app.engine;

  app.get(
    "/v1/profiles",
    {
      config: access("read"),
      schema: {
        operationId: "listProfiles",
        summary: "List profiles",
        description: "Every profile, presets too, by name.",
        tags,
        querystring: reference(PageSelection),
        response: { 200: answer(ProfileList, "A page of profiles.", linkNext), ...problems() },
      },
    },
    async (request, reply) => nextLink(request, reply, profiles.list(request.query)),
  );

  app.get(
    "/v1/profiles/:name",
    {
      config: access("read"),
      schema: {
        operationId: "getProfile",
        summary: "Show a profile",
        description: "A profile as it was given, and the settings of a session that is made from it.",
        tags,
        params: reference(ProfilePath),
        response: {
          200: answer(ProfileInfo, "The profile.", etagHeader),
          304: emptyAnswer("The profile is what `If-None-Match` names.", etagHeader),
          ...problems("profile_not_found"),
        },
      },
    },
    async (request, reply) => {
      const { info, revision } = profiles.get(request.params.name);
      return sendWithEtag(reply, revision, info);
    },
  );

  app.put(
    "/v1/profiles/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "putProfile",
        summary: "Register a profile",
        description:
          "Keeps settings under a name, in place of the profile that has it; they are tried first. Sessions that were made from it stay as they are.",
        tags,
        params: reference(ProfilePath),
        headers: reference(EntryConditions),
        body: body(SessionProfile),
        response: {
          200: answer(ProfileInfo, "The profile took the place of another.", etagHeader),
          201: answer(ProfileInfo, "The profile is registered.", {
            ...etagHeader,
            Location: { type: "string", description: "The path of the profile." },
          }),
          ...problems(
            ...bodyProblems,
            "name_taken",
            "too_many_requests",
            "precondition_failed",
            "profile_not_found",
            "cyclic_dependency",
          ),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const { created, info, revision } = await profiles.put(name, request.body, writeCondition(request.headers));
      return sendPut(reply, `/v1/profiles/${name}`, { created, revision }, info);
    },
  );

  app.delete(
    "/v1/profiles/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "removeProfile",
        summary: "Remove a profile",
        description: "Forgets a profile that no other is based on. Presets stay, and so do sessions made from it.",
        tags,
        params: reference(ProfilePath),
        headers: reference(EntryConditions),
        response: {
          204: emptyAnswer("The profile is removed."),
          ...problems("profile_not_found", "name_taken", "entry_in_use", "precondition_failed"),
        },
      },
    },
    async (request, reply) => {
      await profiles.remove(request.params.name, writeCondition(request.headers));
      return reply.code(204).send(null);
    },
  );
}
