/** Lets in those who may: says who asks, and holds each request to the scope that its route declares. */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import { type Caller, DataFusionEngineError, everybody, nobody, requireVisible } from "../engine/index.js";
import type { Access } from "../routes/index.js";
import type { Authenticator } from "./authenticator.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks. */
    caller: Caller;
  }
}

/** To be called before the routes. */
export function addAccess(app: FastifyInstance, authenticator: Authenticator | undefined): void {
  refuseUndeclared(app);
  if (authenticator === undefined) {
    app.decorateRequest("caller", { getter: () => everybody });
    return;
  }
  app.decorateRequest("caller");
  app.addHook("onRequest", (request, reply) => admit(request, reply, authenticator));
}

/** The security of a route in the OpenAPI document; none of one that is open. */
export function securityOf({ scope }: Access): Record<string, string[]>[] {
  return scope === "open" ? [] : [{ bearer: [scope] }];
}

/** A route that nobody thought of is open to nobody. */
function refuseUndeclared(app: FastifyInstance): void {
  const routes: RouteOptions[] = [];
  app.addHook("onRoute", (route) => void routes.push(route));
  app.addHook("onReady", async () => {
    const undeclared = routes.find(({ config }) => config?.access === undefined);
    if (undeclared === undefined) return;
    const message = `${undeclared.method} ${undeclared.url} doesn't declare who may call it.`;
    throw new DataFusionEngineError(message, { code: "internal" });
  });
}

async function admit(request: FastifyRequest, reply: FastifyReply, authenticator: Authenticator): Promise<void> {
  const { access } = request.routeOptions.config;
  if (access === undefined) throw new DataFusionEngineError("A route without a scope.", { code: "internal" });
  const { authorization } = request.headers;
  const found = await authenticator.identify(authorization);
  request.caller = found ?? nobody;
  if (access.scope === "open") return;
  if (found === undefined) throw unauthenticated(reply, authorization !== undefined);
  if (!found.scopes.includes(access.scope)) throw scopeMissing(reply, access.scope);
  const { name } = request.params as { name?: string };
  if (access.hidden !== undefined && name !== undefined) requireVisible(found, name, access.hidden);
}

function unauthenticated(reply: FastifyReply, isWrong: boolean): DataFusionEngineError {
  reply.header("www-authenticate", `Bearer realm="lakegate"${isWrong ? ', error="invalid_token"' : ""}`);
  const message = isWrong
    ? "The key or token is not one that the service knows, or it has expired."
    : "The service asks who you are: send a key or token as `Authorization: Bearer …`.";
  return new DataFusionEngineError(message, { code: "unauthenticated" });
}

function scopeMissing(reply: FastifyReply, scope: string): DataFusionEngineError {
  reply.header("www-authenticate", `Bearer realm="lakegate", error="insufficient_scope", scope="${scope}"`);
  return new DataFusionEngineError(`The key or token lacks the scope ${scope}.`, {
    code: "scope_missing",
    details: { scope },
  });
}
