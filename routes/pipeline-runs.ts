/** `/v1/pipelines/{name}/runs`: starts runs of pipelines, and shows, follows, cancels and retries them. */
import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import {
  EntryPath,
  EventConditions,
  PipelineRun,
  RunAcceptance,
  RunConditions,
  RunList,
  RunPath,
  RunRequest,
  RunSelection,
  reference,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, bodyProblems, problems, streamAnswer } from "./answers.js";
import type { App } from "./app.js";
import { body } from "./bodies.js";
import { eventStream } from "./media-types.js";
import { linkNext, nextLink } from "./next-link.js";

const tags = ["pipelines"];

const applied = {
  "Preference-Applied": { type: "string", description: "What was followed of `Prefer`." },
} as const;

const acceptance = {
  ...applied,
  Location: { type: "string", description: "The path of the run's status." },
  "Retry-After": { type: "integer", description: "Seconds until it is worth asking." },
} as const;

export function pipelineRuns(app: App): void {
  const { pipelines, runs } = app.engine;

  app.post(
    "/v1/pipelines/:name/runs",
    {
      config: access("write", "pipeline_not_found"),
      schema: {
        operationId: "runPipeline",
        summary: "Run a pipeline",
        description:
          "Plans a run at one version of each table, and starts it; runs of one pipeline go one after the other. A node is computed only where something that it depends on has changed, and what is still right is not written again. Each table gets one commit a run, also where the server is stopped in between. With `Prefer: wait=N` the answer waits for the end.",
        tags,
        params: reference(EntryPath),
        headers: reference(RunConditions),
        body: body(RunRequest),
        response: {
          200: answer(PipelineRun, "The run has ended within the `wait` of `Prefer`.", applied),
          202: answer(RunAcceptance, "The run goes on; its status says how it stands.", acceptance),
          ...problems(
            ...bodyProblems,
            "pipeline_not_found",
            "invalid_entry",
            "table_not_found",
            "parameter_missing",
            "parameter_invalid",
            "planning_timeout",
            "idempotency_key_reused",
            "too_many_requests",
            "not_implemented",
          ),
        },
      },
    },
    async (request, reply) => {
      const { "idempotency-key": key } = request.headers;
      const accepted = await runs.start(request.params.name, request.body ?? {}, request.caller, key);
      const wait = reply.preferredWait() ?? 0;
      const run = wait > 0 ? await runs.ended(request.params.name, accepted.run_id, wait) : undefined;
      return run === undefined ? sendAccepted(reply, accepted) : reply.send(run);
    },
  );

  app.get(
    "/v1/pipelines/:name/runs",
    {
      config: access("read", "pipeline_not_found"),
      schema: {
        operationId: "listRuns",
        summary: "List the runs of a pipeline",
        description: "The runs that the history holds, newest first.",
        tags,
        params: reference(EntryPath),
        querystring: reference(RunSelection),
        response: { 200: answer(RunList, "A page of runs.", linkNext), ...problems("pipeline_not_found") },
      },
    },
    async (request, reply) => {
      const { name } = pipelines.registry.entry(request.params.name);
      return nextLink(request, reply, runs.list(name, request.query));
    },
  );

  app.get(
    "/v1/pipelines/:name/runs/:id",
    {
      config: access("read", "pipeline_not_found"),
      schema: {
        operationId: "getRun",
        summary: "Show a run",
        description: "How a run stands: the versions that it reads, and what each node came to.",
        tags,
        params: reference(RunPath),
        response: { 200: answer(PipelineRun, "The run."), ...problems("run_not_found") },
      },
    },
    (request) => runs.get(request.params.name, request.params.id),
  );

  app.get(
    "/v1/pipelines/:name/runs/:id/events",
    {
      config: access("read", "pipeline_not_found"),
      compress: false,
      schema: {
        operationId: "followRun",
        summary: "Follow a run",
        description:
          "Server-sent events: `node` with a node of the run as it stands, `run` with the run without its nodes. First how it stands, then each change, to its end. `Last-Event-ID` goes on where a connection was lost.",
        tags,
        params: reference(RunPath),
        headers: reference(EventConditions),
        response: {
          200: streamAnswer(
            {
              [eventStream]: {
                schema: { type: "string", description: "The events." },
                example: 'id: 1\nevent: run\ndata: {"status":"PENDING"}\n\n',
              },
            },
            "The events.",
            { "Cache-Control": { type: "string", description: "Always `no-store`." } },
          ),
          ...problems("run_not_found"),
        },
      },
    },
    (request, reply) => {
      const { name, id } = request.params;
      const left = new AbortController();
      const after = Number(request.headers["last-event-id"] ?? 0);
      const events = texts(runs.follow(name, id, after, left.signal));
      reply.raw.on("close", () => left.abort());
      return reply.type(eventStream).header("cache-control", "no-store").send(Readable.from(events));
    },
  );

  app.delete(
    "/v1/pipelines/:name/runs/:id",
    {
      config: access("write", "pipeline_not_found"),
      schema: {
        operationId: "cancelRun",
        summary: "Cancel a run",
        description:
          "Stops a run; what it has written stays. One that has ended stays as it is, so that this can be repeated.",
        tags,
        params: reference(RunPath),
        response: { 200: answer(PipelineRun, "The run."), ...problems("run_not_found") },
      },
    },
    (request) => runs.cancel(request.params.name, request.params.id),
  );

  app.post(
    "/v1/pipelines/:name/runs/:id/retry",
    {
      config: access("write", "pipeline_not_found"),
      schema: {
        operationId: "retryRun",
        summary: "Retry a run",
        description:
          "Goes on with a run that has failed or was canceled, over the same versions: what is done is not done again.",
        tags,
        params: reference(RunPath),
        response: {
          202: answer(RunAcceptance, "The run goes on.", acceptance),
          ...problems("run_not_found", "run_not_retryable", "too_many_requests"),
        },
      },
    },
    async (request, reply) => {
      return sendAccepted(reply, await runs.retry(request.params.name, request.params.id, request.caller));
    },
  );
}

function sendAccepted(reply: FastifyReply, accepted: RunAcceptance): FastifyReply {
  return reply.code(202).header("location", accepted.status_url).header("retry-after", 1).send(accepted);
}

interface Event {
  readonly id: number;
  readonly event: string;
  readonly data: object;
}

/** A comment where there is nothing to tell. */
async function* texts(events: AsyncIterable<Event | undefined>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event === undefined) yield ":\n\n";
    else yield `id: ${event.id}\nevent: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`;
  }
}
