/** Strong ETags of registry entries, and the conditions that requests put on them. */
import type { FastifyReply } from "fastify";
import type { HeaderDescription } from "./answers.js";

/** The header as an answer declares it. */
export function etagOf(description: string): Record<string, HeaderDescription> {
  return { ETag: { type: "string", description } };
}

export interface ConditionHeaders {
  readonly "if-match"?: string;
  readonly "if-none-match"?: string;
}

/** Whether a write may happen, given the revision of the entry that is there. */
export function writeCondition(headers: ConditionHeaders): (revision: string | undefined) => boolean {
  const { "if-match": wanted, "if-none-match": unwanted } = headers;
  return (revision) =>
    (wanted === undefined || names(wanted, revision)) && !(unwanted !== undefined && names(unwanted, revision));
}

/** The revisions that `If-Match` names; undefined where any will do. */
export function expectedRevisions({ "if-match": wanted = "*" }: ConditionHeaders): string[] | undefined {
  const tags = tagsIn(wanted);
  return tags.includes("*") ? undefined : tags.map((tag) => uncompressed(tag).replace(/^"(.*)"$/, "$1"));
}

/** Sends what is there with its ETag, or 304 where the client has it already. */
export function sendWithEtag<T>(reply: FastifyReply, revision: string, value: T): T | FastifyReply {
  const known = knownTag(reply.request.headers, etag(revision));
  reply.header("etag", known ?? etag(revision));
  return known === undefined ? value : reply.code(304).send();
}

export function etag(revision: string): string {
  return `"${revision}"`;
}

/** The tag by which the client says that it has what `tag` names, compressed or not; undefined where it hasn't. */
export function knownTag({ "if-none-match": list }: ConditionHeaders, tag: string): string | undefined {
  if (list === undefined) return undefined;
  const known = tagsIn(list).find((item) => item === "*" || uncompressed(item) === tag);
  return known === "*" ? tag : known;
}

function names(list: string, revision: string | undefined): boolean {
  return revision !== undefined && knownTag({ "if-none-match": list }, etag(revision)) !== undefined;
}

function tagsIn(list: string): string[] {
  return list.split(",").map((item) => item.trim());
}

/** The tag of the uncompressed bytes. */
function uncompressed(tag: string): string {
  return tag.replace(/^W\//, "").replace(/\+\w+"$/, '"');
}
