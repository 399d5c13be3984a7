/** What a path that nothing is served at, or not with this method, answers. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { DataFusionEngineError } from "../engine/index.js";
import { sendProblem } from "./problem.js";

/** To be called before the routes, which it watches. */
export function answerUnknownRoutes(app: FastifyInstance): void {
  const methods = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    methods.set(url, new Set([...(methods.get(url) ?? []), ...[method].flat()]));
  });
  const answer = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = request.url.split("?", 1)[0] ?? "";
    const known = methods.get(path) ?? methodsOf(path, methods);
    if (known.size === 0) return sendProblem(noRoute(path), request, reply);
    const allowed = [...known].sort().join(", ");
    return sendProblem(noMethod(request.method, path, allowed), request, reply.header("allow", allowed));
  };
  app.setNotFoundHandler(answer);
  // Before Fastify asks a method such as QUERY for its body.
  app.addHook("onRequest", (request, reply, done) => {
    if (request.is404) answer(request, reply);
    else done();
  });
}

function methodsOf(path: string, methods: ReadonlyMap<string, Set<string>>): Set<string> {
  return new Set([...methods].filter(([route]) => fits(route, path)).flatMap(([, names]) => [...names]));
}

function fits(route: string, path: string): boolean {
  const wanted = route.split("/");
  const given = path.split("/");
  return wanted.length === given.length && wanted.every((part, index) => part.startsWith(":") || part === given[index]);
}

function noRoute(path: string): DataFusionEngineError {
  return new DataFusionEngineError(`Nothing is served at ${path}; see /docs.`, { code: "route_not_found" });
}

function noMethod(method: string, path: string, allowed: string): DataFusionEngineError {
  return new DataFusionEngineError(`${path} does not know ${method}, only ${allowed}.`, { code: "method_not_allowed" });
}
