/** `/v1/schemas`: the schema of every type of the contract. */
import { PageSelection, reference, SchemaDocument, SchemaList, SchemaPath } from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, emptyAnswer, problems, streamAnswer } from "./answers.js";
import type { App } from "./app.js";
import { etagOf, sendWithEtag } from "./conditions.js";
import { schemaJson } from "./media-types.js";
import { linkNext, nextLink } from "./next-link.js";

const tags = ["schemas"];
const etagHeader = etagOf("Changes with the contract.");

export function schemas(app: App): void {
  const { schemas } = app.engine;

  app.get(
    "/v1/schemas",
    {
      config: access("read"),
      schema: {
        operationId: "listSchemas",
        summary: "List schemas",
        description: "Every type that requests, answers and table operations are made of, by title.",
        tags,
        querystring: reference(PageSelection),
        response: {
          200: answer(SchemaList, "A page of schemas.", { ...linkNext, ...etagHeader }),
          304: emptyAnswer("The page is what `If-None-Match` names.", etagHeader),
          ...problems(),
        },
      },
    },
    async (request, reply) => {
      const { list, revision } = schemas.list(request.query);
      return sendWithEtag(reply, revision, nextLink(request, reply, list));
    },
  );

  app.get(
    "/v1/schemas/:title",
    {
      config: access("read"),
      schema: {
        operationId: "getSchema",
        summary: "Show a schema",
        description: "The canonical JSON Schema of a type; the components of the OpenAPI document are the same.",
        tags,
        params: reference(SchemaPath),
        response: {
          200: streamAnswer({ [schemaJson]: { schema: reference(SchemaDocument) } }, "The schema.", etagHeader),
          304: emptyAnswer("The schema is what `If-None-Match` names.", etagHeader),
          ...problems("schema_not_found"),
        },
      },
    },
    async (request, reply) => {
      const { document, revision } = schemas.get(request.params.title);
      return sendWithEtag(reply.type(schemaJson), revision, document);
    },
  );
}
