/** `/v1/quarantine`: statements that ended the process that ran them. */
import { QuarantineList, QuarantinePath, reference } from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, emptyAnswer, problems } from "./answers.js";
import type { App } from "./app.js";

const tags = ["quarantine"];

export function quarantine(app: App): void {
  const { quarantine } = app.engine;

  app.get(
    "/v1/quarantine",
    {
      config: access("admin"),
      schema: {
        operationId: "listQuarantine",
        summary: "List statements in quarantine",
        description:
          "The statements that ended the process that ran them, which are refused, and those of which one may have been it, which run one at a time. They stay over a restart.",
        tags,
        response: { 200: answer(QuarantineList, "The statements."), ...problems() },
      },
    },
    () => quarantine.list(),
  );

  app.delete(
    "/v1/quarantine/:id",
    {
      config: access("admin"),
      schema: {
        operationId: "releaseStatement",
        summary: "Take a statement out of quarantine",
        description: "Lets a statement run again, as after a newer version of the service was installed.",
        tags,
        params: reference(QuarantinePath),
        response: { 204: emptyAnswer("The statement may run."), ...problems("quarantine_not_found") },
      },
    },
    async (request, reply) => {
      await quarantine.release(request.params.id);
      return reply.code(204).send(null);
    },
  );
}
