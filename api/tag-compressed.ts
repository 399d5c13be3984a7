/** Compressed bytes are other bytes: their tag says so, and the digest of the uncompressed ones doesn't hold. */
import type { DoneFuncWithErrOrRes, FastifyReply, FastifyRequest } from "fastify";

export function tagCompressed(
  _request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: DoneFuncWithErrOrRes,
): void {
  const encoding = reply.getHeader("content-encoding");
  const tag = reply.getHeader("etag");
  if (typeof encoding === "string") {
    reply.removeHeader("repr-digest");
    if (typeof tag === "string") reply.header("etag", tag.replace(/"$/, `+${encoding}"`));
  }
  done(null, payload);
}
