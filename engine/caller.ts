/** Who asks: what is allowed to them, and how much. */
import type { ErrorCode, Scope, SessionTerms } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { hashMsgpackCanonical } from "./hashing.js";
import { visibleNames } from "./native.js";

/** Every scope there is. */
export const scopes: readonly Scope[] = ["read", "write", "admin"];

export interface CallerFacts {
  /** Tells callers apart; queries, sessions and idempotency keys belong to it. */
  readonly id: string;
  readonly scopes: readonly Scope[];
  /** What queries of the caller are held to. */
  readonly terms?: SessionTerms;
  /** How many queries may run at once. */
  readonly concurrentQueries?: number;
}

export interface Caller extends Required<Pick<CallerFacts, "id" | "scopes" | "terms">> {
  readonly concurrentQueries?: number;
  /** Equal where terms are; empty where there are none. */
  readonly rights: string;
  /** Equal for one caller who may do the same. */
  readonly standing: string;
}

export function callerOf({ id, scopes, terms = {}, concurrentQueries }: CallerFacts): Caller {
  const rights = Object.keys(terms).length === 0 ? "" : hashMsgpackCanonical(terms);
  const standing = `${id}\n${scopes}\n${rights}`;
  return { id, scopes, terms, rights, standing, ...(concurrentQueries !== undefined && { concurrentQueries }) };
}

/** Everybody, where nobody is asked who they are; also the service itself. */
export const everybody: Caller = callerOf({ id: "local", scopes });

/** Somebody who hasn't said who they are. */
export const nobody: Caller = callerOf({ id: "nobody", scopes: [], terms: { visible: [] } });

/** The caller as one who may name every relation: a view reads with the rights of those who registered it. */
export function throughView(caller: Caller): Caller {
  const { visible: _, ...terms } = caller.terms;
  return callerOf({ ...caller, terms });
}

/** What is one's own; an administrator's are all. */
export function owns({ id, scopes }: Caller, owner: string = everybody.id): boolean {
  return id === owner || scopes.includes("admin");
}

export function requireScope({ scopes }: Caller, scope: Scope): void {
  if (scopes.includes(scope)) return;
  throw new DataFusionEngineError(`The key or token lacks the scope ${scope}.`, {
    code: "scope_missing",
    details: { scope },
  });
}

/** Those of the names that the caller may know of. */
export function visibleTo({ terms: { visible } }: Caller, names: readonly string[]): readonly string[] {
  return visible == null ? names : visibleNames(visible, names);
}

/** Answers of what stands on a relation that the caller may not know of as if it were not there. */
export function requireVisible(caller: Caller, relation: string, notFound: ErrorCode, name = relation): void {
  if (visibleTo(caller, [relation]).length === 1) return;
  throw new DataFusionEngineError(`There is no ${nouns[notFound] ?? "relation"} ${name}.`, { code: notFound });
}

const nouns: Partial<Record<ErrorCode, string>> = {
  table_not_found: "table",
  view_not_found: "view",
  parameter_table_not_found: "parameter table",
  contract_not_found: "contract",
  semantic_model_not_found: "semantic model",
  pipeline_not_found: "pipeline",
};

/** Those of the entries whose relations the caller may all know of. */
export function visibleEntries<T>(caller: Caller, entries: readonly T[], relations: (entry: T) => string[]): T[] {
  if (caller.terms.visible == null) return [...entries];
  const shown = new Set(visibleTo(caller, [...new Set(entries.flatMap(relations))]));
  return entries.filter((entry) => relations(entry).every((name) => shown.has(name)));
}
