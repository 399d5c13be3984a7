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
  const tags = tagsOf(wanted);
  return tags.includes("*") ? undefined : tags.map((tag) => bare(tag).replace(/^"(.*)"$/, "$1"));
}

/** Sends what is there with its ETag, or 304 where the client has it already. */
export function sendWithEtag<T>(reply: FastifyReply, revision: string, value: T): T | FastifyReply {
  const tag = etag(revision);
  const known = knownTag(reply.request.headers, tag);
  reply.header("etag", known ?? tag);
  return known === undefined ? value : reply.code(304).send();
}

/** Answers what now stands at a path: 201 with its place where there was nothing. */
export function sendPut<T>(
  reply: FastifyReply,
  path: string,
  { created, revision }: { created: boolean; revision: string },
  value: T,
): T | FastifyReply {
  reply.header("etag", etag(revision));
  return created ? reply.code(201).header("location", path).send(value) : value;
}

export function etag(revision: string): string {
  return `"${revision}"`;
}

/** The tag by which the client has what `tag` names, perhaps that of its bytes as they were compressed. */
export function knownTag({ "if-none-match": list = "" }: ConditionHeaders, tag: string): string | undefined {
  const known = tagsOf(list).find((item) => item === "*" || bare(item) === tag);
  return known === "*" ? tag : known;
}

function names(list: string, revision: string | undefined): boolean {
  return revision !== undefined && tagsOf(list).some((tag) => tag === "*" || bare(tag) === etag(revision));
}

/** The tags of a list, as they are when they are strong. */
function tagsOf(list: string): string[] {
  return list.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
}

/** The tag of the bytes before they were compressed. */
function bare(tag: string): string {
  return tag.replace(/\+\w+"$/, '"');
}
