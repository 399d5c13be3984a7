/** `/v1/pipelines`: registers pipelines, and shows what depends on what in them. */
import {
  EntryConditions,
  EntryPath,
  GraphSelection,
  PageSelection,
  PipelineDefinition,
  PipelineDescription,
  PipelineGraph,
  PipelineList,
  reference,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, bodyProblems, emptyAnswer, problems, streamAnswer } from "./answers.js";
import type { App } from "./app.js";
import { body } from "./bodies.js";
import { etagOf, sendPut, sendWithEtag, writeCondition } from "./conditions.js";
import { graphMediaTypes } from "./media-types.js";
import { linkNext, nextLink } from "./next-link.js";
import { location } from "./writing.js";

const tags = ["pipelines"];
const etagHeader = etagOf("Changes with the pipeline.");

export function pipelines(app: App): void {
  const { pipelines } = app.engine;

  app.get(
    "/v1/pipelines",
    {
      config: access("read"),
      schema: {
        operationId: "listPipelines",
        summary: "List pipelines",
        description: "The pipelines that are registered, by name.",
        tags,
        querystring: reference(PageSelection),
        response: { 200: answer(PipelineList, "A page of pipelines.", linkNext), ...problems() },
      },
    },
    async (request, reply) => nextLink(request, reply, pipelines.list(request.query, request.caller)),
  );

  app.get(
    "/v1/pipelines/:name",
    {
      config: access("read", "pipeline_not_found"),
      schema: {
        operationId: "getPipeline",
        summary: "Show a pipeline",
        description: "The modules of a pipeline, and its nodes with their columns, in the order in which they run.",
        tags,
        params: reference(EntryPath),
        response: {
          200: answer(PipelineDescription, "The pipeline.", etagHeader),
          304: emptyAnswer("The pipeline is what `If-None-Match` names.", etagHeader),
          ...problems("pipeline_not_found"),
        },
      },
    },
    async (request, reply) => {
      const { description, revision } = pipelines.get(request.params.name);
      return sendWithEtag(reply, revision, description);
    },
  );

  app.put(
    "/v1/pipelines/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "registerPipeline",
        summary: "Register a pipeline",
        description:
          "Registers a pipeline in place of the one that has the name, once all of it is planned. What is wrong with it is told together: cycles, names and parameters that there are none of, parameters that nothing takes, types that don't fit, and nodes that may not be replaced.",
        tags,
        params: reference(EntryPath),
        headers: reference(EntryConditions),
        body: body(PipelineDefinition),
        response: {
          200: answer(PipelineDescription, "The pipeline took the place of another.", etagHeader),
          201: answer(PipelineDescription, "The pipeline is registered.", { ...etagHeader, ...location }),
          ...problems(
            ...bodyProblems,
            "invalid_entry",
            "parameter_invalid",
            "planning_timeout",
            "precondition_failed",
            "not_implemented",
          ),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const put = await pipelines.put(name, request.body, writeCondition(request.headers));
      return sendPut(reply, `/v1/pipelines/${name}`, put, put.description);
    },
  );

  app.delete(
    "/v1/pipelines/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "removePipeline",
        summary: "Remove a pipeline",
        description: "Forgets a pipeline and its runs, unless one is under way. What it has written stays.",
        tags,
        params: reference(EntryPath),
        headers: reference(EntryConditions),
        response: {
          204: emptyAnswer("The pipeline is no longer there."),
          ...problems("pipeline_not_found", "entry_in_use", "precondition_failed"),
        },
      },
    },
    async (request, reply) => {
      await pipelines.remove(request.params.name, writeCondition(request.headers));
      return reply.code(204).send(null);
    },
  );

  app.get(
    "/v1/pipelines/:name/graph",
    {
      config: access("read", "pipeline_not_found"),
      schema: {
        operationId: "getPipelineGraph",
        summary: "Show the graph of a pipeline",
        description:
          "What depends on what, from the tables that the pipeline reads to those that it writes, with the columns that each column comes from; all of it, or what is upstream or downstream of a node, table or file.",
        tags,
        params: reference(EntryPath),
        querystring: reference(GraphSelection),
        response: {
          200: streamAnswer(
            {
              [graphMediaTypes.json]: { schema: reference(PipelineGraph) },
              [graphMediaTypes.mermaid]: { schema: { type: "string", description: "A Mermaid flowchart." } },
              [graphMediaTypes.graphviz]: { schema: { type: "string", description: "A Graphviz digraph." } },
            },
            "The graph, in the format that `format` names or `Accept` prefers.",
            {},
          ),
          ...problems("pipeline_not_found", "not_acceptable"),
        },
      },
    },
    async (request, reply) => {
      const { format = request.graphFormat(), ...selection } = request.query;
      const { name } = request.params;
      if (format === "json") return reply.send(pipelines.graph(name, selection));
      return reply.type(graphMediaTypes[format]).send(pipelines.drawing(name, selection, format));
    },
  );
}
