/** What a result is kept under: everything that it depends on, hashed. */
import type { QueryIdentity, QueryParameters } from "../schemas/generated/index.js";
import { hashMsgpackCanonical } from "./hashing.js";

export function resultKey(identity: QueryIdentity, parameters: QueryParameters | undefined): string {
  const { statement, engine, time_zone, row_limit = null, sources } = identity;
  const view = { statement, parameters: parameters ?? null, settings: { time_zone, row_limit }, engine };
  return `result:${hashMsgpackCanonical({ sources, view })}`;
}
