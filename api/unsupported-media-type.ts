/** Says which media types a route reads, to who sent another one. */
import type { FastifyRequest } from "fastify";
import { DataFusionEngineError } from "../engine/index.js";

export function unsupportedMediaType(request: FastifyRequest, cause?: unknown): DataFusionEngineError {
  const types = bodyMediaTypes(request);
  const detail = types.length > 0 ? `A body of this route is one of ${types.join(", ")}.` : "This route has no body.";
  return new DataFusionEngineError(detail, { code: "unsupported_media_type", cause });
}

/** The media types that the route declares for its body. */
export function bodyMediaTypes({ routeOptions }: FastifyRequest): string[] {
  const body = routeOptions.schema?.body as { content?: object } | undefined;
  return Object.keys(body?.content ?? {});
}
