/** `/v1/pipelines/{name}/outputs`: the files that runs of a pipeline have written. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { OutputPath, reference } from "../schemas/generated/index.js";
import { access } from "./access.js";
import { emptyAnswer, type HeaderDescription, problems, streamAnswer } from "./answers.js";
import type { App } from "./app.js";
import { etagOf } from "./conditions.js";
import { resultMediaTypes } from "./media-types.js";

const content = {
  [resultMediaTypes.parquet]: { schema: { type: "string", format: "binary", description: "A Parquet file." } },
  [resultMediaTypes.csv]: {
    schema: { type: "string", description: "A header line, then a row a line." },
    example: "origin,flights\r\nSEA,12\r\n",
  },
};

const headers: Record<string, HeaderDescription> = {
  ...etagOf("These bytes of the file, and no others."),
  "Last-Modified": { type: "string", description: "When it was written." },
  "Run-Id": { type: "string", description: "The run that wrote it." },
  "Cache-Control": { type: "string", description: "How the client and caches on the way may keep it." },
  "Content-Disposition": { type: "string", description: "The name of the file." },
};

const range: Record<string, HeaderDescription> = {
  "Content-Range": { type: "string", description: "Which bytes of how many." },
};

export function pipelineOutputs(app: App): void {
  const path = "/v1/pipelines/:name/outputs/:node";

  app.get(
    path,
    {
      exposeHeadRoute: false,
      compress: false,
      config: access("read", "pipeline_not_found"),
      schema: {
        operationId: "getPipelineOutput",
        summary: "Get a file that a pipeline has written",
        description:
          "The file of a node with a `file` in `materialize`, as the last run that wrote it left it. `ETag` and `If-None-Match` tell whether it has changed; `Range` is answered. Tables that pipelines write are read as all others.",
        tags: ["pipelines"],
        params: reference(OutputPath),
        response: {
          200: streamAnswer(content, "The file.", headers),
          206: streamAnswer(content, "The bytes that `Range` asks for.", { ...headers, ...range }),
          304: emptyAnswer("The file is what `If-None-Match` names.", headers),
          ...problems("pipeline_not_found", "output_not_found", "range_not_satisfiable"),
        },
      },
    },
    send,
  );

  app.head(
    path,
    {
      compress: false,
      config: access("read", "pipeline_not_found"),
      schema: { hide: true, params: reference(OutputPath) },
    },
    send,
  );
}

async function send(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { name, node } = request.params as OutputPath;
  const { pipelines, pipelineFiles } = request.server.engine;
  pipelines.registry.entry(name);
  return reply.sendPipelineFile(await pipelineFiles.open(name, node));
}
