/** `/health`: whether the process lives and whether it can work. */
import { Liveness, Readiness } from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, openProblems } from "./answers.js";
import type { App } from "./app.js";

const tags = ["health"];

export function health(app: App): void {
  app.get(
    "/health/live",
    {
      config: access("open"),
      schema: {
        operationId: "getLiveness",
        summary: "Is the process alive?",
        description: "Answers as long as the process does.",
        tags,
        response: { 200: answer(Liveness, "It is."), ...openProblems() },
      },
    },
    () => ({ status: "ok" as const }),
  );

  app.get(
    "/health/ready",
    {
      config: access("open"),
      schema: {
        operationId: "getReadiness",
        summary: "Can the service run queries?",
        description: "Says whether queries can be run now, and if not, why.",
        tags,
        response: {
          200: answer(Readiness, "It can."),
          ...openProblems(),
          503: answer(Readiness, "It cannot, for the reasons given."),
        },
      },
    },
    async (_request, reply) => {
      const readiness = await app.engine.readiness();
      return reply.code(readiness.ready ? 200 : 503).send(readiness);
    },
  );
}
