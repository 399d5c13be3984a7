/** The OpenAPI document and its Swagger UI, made from the routes. */
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import type { OpenAPIV3_1 } from "openapi-types";
import { completed } from "./openapi-components.js";
import { withViews } from "./view-paths.js";

/** To be called before the routes. */
export async function addDocs(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    convertConstToEnum: false,
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Lakegate",
        version: "0.1.0",
        description: "Serves Delta Lake tables with SQL.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/" }],
      tags: [
        { name: "queries", description: "Run SQL, explain it, follow and cancel it." },
        { name: "cache", description: "The results that are kept." },
        { name: "tables", description: "The Delta tables that are served." },
        { name: "views", description: "Statements with names, and their rows." },
        { name: "registries", description: "All that is registered, as one document." },
        { name: "parameter tables", description: "Relations whose rows are values of a request, a session or a rule." },
        { name: "contracts", description: "What the columns and rows of tables must be." },
        { name: "semantics", description: "What relations mean, asked for by metrics and dimensions." },
        { name: "functions", description: "What SQL can call, and macros as functions of one's own." },
        { name: "gates", description: "Whether a protocol is what a gate asks for, and what the engine supports." },
        { name: "sessions", description: "Settings that several queries share." },
        { name: "profiles", description: "Settings under a name, from which sessions are made." },
        { name: "schemas", description: "The types that all messages are made of." },
        { name: "health", description: "Whether the service lives and can work." },
      ],
    },
    refResolver: { buildLocalReference: ({ title }) => String(title) },
    transformObject: (document) => {
      if (!("openapiObject" in document)) return document.swaggerObject;
      return Object.assign(document.openapiObject, completed(document.openapiObject.paths) as object);
    },
  });
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    transformSpecification: (document) => withViews(document as OpenAPIV3_1.Document, app.engine.views),
    uiConfig: { tryItOutEnabled: true, displayRequestDuration: true },
  });
  app.get("/openapi.json", { schema: { hide: true } }, () =>
    withViews(app.swagger() as OpenAPIV3_1.Document, app.engine.views),
  );
}
