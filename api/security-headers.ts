/** What browsers are told about every answer: that nothing of it runs, is framed or guessed at. */
import cors from "@fastify/cors";
import helmet from "@fastify/helmet";
import type { FastifyInstance } from "fastify";

/** To be called before the other hooks, so that refusals have them too. `origins` are the sites whose pages may ask. */
export async function addSecurityHeaders(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      // The Swagger UI brings a policy of its own.
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    // Whoever puts TLS before the service decides how long browsers insist on it.
    strictTransportSecurity: false,
    // Browsers that knew these are gone.
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    referrerPolicy: { policy: "no-referrer" },
    xFrameOptions: { action: "deny" },
  });
  if (origins.length > 0) await app.register(cors, corsOptions(origins));
}

function corsOptions(origins: readonly string[]) {
  return {
    origin: [...origins],
    methods: ["GET", "HEAD", "POST", "PUT", "DELETE"],
    exposedHeaders: [
      "cache-status",
      "etag",
      "link",
      "location",
      "query-id",
      "retry-after",
      "www-authenticate",
      "x-request-id",
    ],
    maxAge: 600,
    strictPreflight: false,
  };
}
