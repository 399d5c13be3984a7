/** `/metrics`: the figures of the service, for Prometheus. */
import { access } from "./access.js";
import { problems, streamAnswer } from "./answers.js";
import type { App } from "./app.js";
import { plainText } from "./media-types.js";

const example = 'lakegate_queries{state="running"} 2\nlakegate_result_cache_uses_total{status="hit"} 1204\n';

export function metrics(app: App): void {
  app.get(
    "/metrics",
    {
      config: access("read"),
      schema: {
        operationId: "getMetrics",
        summary: "Show the figures of the service",
        description:
          "Requests by route and status, queries, the result cache, memory and the event loop, in the text format of Prometheus. No figure names a table, a statement or a caller.",
        tags: ["health"],
        response: {
          200: streamAnswer({ [plainText]: { schema: { type: "string" }, example } }, "The figures.", {}),
          ...problems(),
        },
      },
    },
    async (_request, reply) => reply.type(`${plainText}; version=0.0.4; charset=utf-8`).send(await app.metrics()),
  );
}
