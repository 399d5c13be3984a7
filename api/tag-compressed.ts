/** Compressed bytes are other bytes: their tag says so, and the digest of the uncompressed ones doesn't hold. */
import type { FastifyReply, FastifyRequest } from "fastify";

export async function tagCompressed(_request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  const encoding = reply.getHeader("content-encoding");
  const tag = reply.getHeader("etag");
  if (typeof encoding !== "string") return payload;
  reply.removeHeader("repr-digest");
  if (typeof tag === "string") reply.header("etag", tag.replace(/"$/, `+${encoding}"`));
  return payload;
}
