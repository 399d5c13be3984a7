/** `/v1/cache`: what is kept of results, and its removal. */
import { CacheEviction, CacheReport, CacheSelection, reference } from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, problems } from "./answers.js";
import type { App } from "./app.js";

const tags = ["cache"];

export function cache(app: App): void {
  const { cache } = app.engine;

  app.get(
    "/v1/cache",
    {
      config: access("admin"),
      schema: {
        operationId: "getCache",
        summary: "Show the result cache",
        description: "How many results are kept, how much room they take, and how often they were of use.",
        tags,
        response: { 200: answer(CacheReport, "The cache."), ...problems() },
      },
    },
    () => cache.report(),
  );

  app.delete(
    "/v1/cache",
    {
      config: access("admin"),
      schema: {
        operationId: "evictCache",
        summary: "Remove kept results",
        description:
          "Removes all kept results, or those that read a table. Nobody needs this for results to be right: it frees room.",
        tags,
        querystring: reference(CacheSelection),
        response: { 200: answer(CacheEviction, "What was removed."), ...problems() },
      },
    },
    (request) => cache.evict(request.query.table),
  );
}
