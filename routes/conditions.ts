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
  const tags = wanted.split(",").map((tag) => tag.trim());
  return tags.includes("*") ? undefined : tags.map((tag) => tag.replace(/^(W\/)?"(.*)"$/, "$2"));
}

/** Sends what is there with its ETag, or 304 where the client has it already. */
export function sendWithEtag<T>(reply: FastifyReply, revision: string, value: T): T | FastifyReply {
  reply.header("etag", etag(revision));
  const known = reply.request.headers["if-none-match"];
  return known !== undefined && names(known, revision) ? reply.code(304).send() : value;
}

export function etag(revision: string): string {
  return `"${revision}"`;
}

/** Whether the client has what the tag names, however it was compressed for it. */
export function isKnown({ "if-none-match": list }: ConditionHeaders, tag: string): boolean {
  if (list === undefined) return false;
  const tags = list.split(",").map((item) => item.trim());
  return tags.some((item) => item === "*" || item.replace(/^W\//, "").replace(/\+\w+"$/, '"') === tag);
}

function names(list: string, revision: string | undefined): boolean {
  if (revision === undefined) return false;
  return list.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag(revision));
}
