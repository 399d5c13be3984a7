/** What browsers are told about every answer: that nothing of it runs, is framed or guessed at. */
import type { IncomingMessage, ServerResponse } from "node:http";
import cors from "@fastify/cors";
import type { FastifyInstance } from "fastify";
import helmet, { type HelmetOptions } from "helmet";

const options: HelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    // The Swagger UI brings a policy of its own.
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  // Whoever puts TLS before the service decides how long browsers insist on it.
  strictTransportSecurity: false,
  // Pages alone open windows and have links.
  crossOriginOpenerPolicy: false,
  referrerPolicy: false,
  // Browsers that knew these, or need them beside the policy above, are gone.
  originAgentCluster: false,
  xFrameOptions: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
};

/** To be called before the other hooks, so that refusals have them too. `origins` are the sites whose pages may ask. */
export async function addSecurityHeaders(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  const headers = securityHeaders();
  app.addHook("onRequest", (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
  if (origins.length > 0) await app.register(cors, corsOptions(origins));
}

/** They are the same each time: the library, which would make them for each answer, makes them once. */
function securityHeaders(): Record<string, string> {
  const headers: Record<string, string> = {};
  const recorder = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => undefined,
  };
  helmet(options)({} as IncomingMessage, recorder as unknown as ServerResponse, () => undefined);
  return headers;
}

/** For a scope whose answers are pages. */
export function addPageHeaders(scope: FastifyInstance): void {
  scope.addHook("onSend", async (_request, reply) => {
    reply.headers({ "cross-origin-opener-policy": "same-origin", "referrer-policy": "no-referrer" });
  });
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
