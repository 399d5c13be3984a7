/** The `Link` header that leads from a page of a list to the next. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { HeaderDescription } from "./answers.js";

export const linkNext: Record<string, HeaderDescription> = {
  Link: { type: "string", description: 'The next page, as `<url>; rel="next"`; absent on the last one.' },
};

interface Listing {
  readonly next_cursor: string | null;
}

export function nextLink<T extends Listing>(request: FastifyRequest, reply: FastifyReply, list: T): T {
  if (list.next_cursor === null) return list;
  const [path, query] = request.url.split("?");
  const selection = new URLSearchParams(query);
  selection.set("cursor", list.next_cursor);
  reply.header("link", `<${path}?${selection}>; rel="next"`);
  return list;
}
