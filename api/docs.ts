/** The OpenAPI document and its Swagger UI, made from the routes. */
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import type { OpenAPIV3_1 } from "openapi-types";
import { type Access, access } from "../routes/index.js";
import { securityOf } from "./access.js";
import { completed } from "./openapi-components.js";
import { addPageHeaders } from "./security-headers.js";
import { withViews } from "./view-paths.js";

/** The page loads from this server alone, and asks no other; it styles some of its elements in place. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

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
      components: {
        securitySchemes: {
          bearer: {
            type: "http",
            scheme: "bearer",
            description:
              "An API key, made by `npx lakegate keys create`, or a token of the configured issuer. A service on loopback asks for none unless `LAKEGATE_AUTH` says so.",
          },
        },
      },
      tags: [
        { name: "queries", description: "Run SQL, explain it, follow and cancel it." },
        { name: "cache", description: "The results that are kept." },
        { name: "quarantine", description: "Statements that ended the process that ran them." },
        { name: "tables", description: "The Delta tables that are served." },
        { name: "views", description: "Statements with names, and their rows." },
        { name: "pipelines", description: "Nodes that depend on each other, run together and written to tables." },
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
    transform: ({ schema, url, route }) => {
      const declared = route.config?.access as Access | undefined;
      return { schema: { ...schema, ...(declared && { security: securityOf(declared) }) }, url };
    },
    refResolver: { buildLocalReference: ({ title }) => String(title) },
    transformObject: (document) => {
      if (!("openapiObject" in document)) return document.swaggerObject;
      const { components, paths } = document.openapiObject;
      const { components: own, ...rest } = completed(paths);
      return Object.assign(document.openapiObject, { ...rest, components: { ...components, ...own } });
    },
  });
  const { views } = app.engine;
  // What the contract is, everybody may know; whoever says who they are sees their views in it too.
  app.addHook("onRoute", (route) => {
    if (route.url.startsWith("/docs")) route.config = { ...route.config, ...access("open") };
  });
  await app.register(async (pages) => {
    addPageHeaders(pages);
    await pages.register(swaggerUi, {
      routePrefix: "/docs",
      staticCSP: pagePolicy,
      transformSpecification: (document, { caller }) => withViews(document as OpenAPIV3_1.Document, views, caller),
      uiConfig: { tryItOutEnabled: true, displayRequestDuration: true, persistAuthorization: true },
    });
  });
  app.get("/openapi.json", { config: access("open"), schema: { hide: true } }, ({ caller }) =>
    withViews(app.swagger() as OpenAPIV3_1.Document, views, caller),
  );
}
