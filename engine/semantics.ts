/** Semantic models: what relations mean, and the queries that answer what they are asked for. */
import type {
  CachePolicy,
  PageSelection,
  ResultFormat,
  SemanticEntry,
  SemanticList,
  SemanticModel,
  SemanticQuery,
  ValidationFailure,
} from "../schemas/generated/index.js";
import { type Caller, requireVisible, visibleEntries } from "./caller.js";
import type { Condition } from "./condition.js";
import type { Contracts } from "./contracts.js";
import { DocumentRegistry, type Entry } from "./document-registry.js";
import type { DocumentStore } from "./document-store.js";
import { requireNoErrors } from "./invalid-entry.js";
import type { NativeEngine, NativeSession } from "./native.js";
import type { Queries } from "./queries.js";
import type { Query } from "./query.js";
import { semanticFaults } from "./semantic-faults.js";
import type { Turns } from "./turns.js";

export interface SemanticsParts {
  readonly native: NativeEngine;
  readonly session: NativeSession;
  readonly store: DocumentStore<Entry<SemanticModel>>;
  readonly turns: Turns;
  readonly contracts: Contracts;
  readonly queries: Queries;
}

export interface RegisteredModel {
  readonly entry: SemanticEntry;
  readonly revision: string;
}

export class Semantics {
  readonly registry: DocumentRegistry<SemanticModel>;
  readonly #parts: SemanticsParts;

  constructor(parts: SemanticsParts) {
    this.#parts = parts;
    const kind = { noun: "semantic model", notFound: "semantic_model_not_found" } as const;
    this.registry = new DocumentRegistry(kind, parts.store, parts.turns);
  }

  /** Those whose relations the caller may all know of. */
  list(selection: PageSelection, caller: Caller): SemanticList {
    const shown = (entries: Entry<SemanticModel>[]) => visibleEntries(caller, entries, relationsOf);
    const { items, next_cursor } = this.registry.list(selection, shown);
    return { items: items.map(semanticEntry), next_cursor };
  }

  describe(name: string, caller: Caller): RegisteredModel {
    return registered(this.#visible(name, caller));
  }

  async put(name: string, model: SemanticModel, condition: Condition): Promise<RegisteredModel & { created: boolean }> {
    const { native, session } = this.#parts;
    const make = async () => {
      const { errors } = native.checkSemanticModel(model);
      requireNoErrors({ errors: [...errors, ...this.#reference(model)] });
      requireNoErrors({ errors: await semanticFaults(model, native, session) });
      return model;
    };
    const entry = await this.registry.put(name, make, condition);
    return { ...registered(entry), created: entry.created };
  }

  remove(name: string, condition: Condition): Promise<void> {
    return this.registry.remove(name, condition);
  }

  get size(): number {
    return this.registry.size;
  }

  fingerprint(): string {
    return this.registry.fingerprint();
  }

  /** What the entries were registered with. */
  definitions(): [string, SemanticModel][] {
    return this.registry.values();
  }

  /** The query that answers what a model is asked for, and its statement. */
  ask(
    name: string,
    asked: SemanticQuery,
    format: ResultFormat,
    policy: CachePolicy,
    caller: Caller,
  ): { query: Query; sql: string } {
    const { value: model } = this.#visible(name, caller);
    const { sql, parameters } = this.#parts.native.semanticStatement(model, asked);
    const { session_id, timeout_ms, row_limit, numbers, row_format } = asked;
    const limits = { ...(timeout_ms && { timeout_ms }), ...(row_limit !== undefined && { row_limit }) };
    const style = { ...(numbers && { numbers }), ...(row_format && { row_format }) };
    const request = { sql, parameters, ...(session_id && { session_id }), ...limits, ...style };
    return { query: this.#parts.queries.run(request, format, policy, caller), sql };
  }

  /** The expressions of the models, by what these are called. */
  texts(): [string, string][] {
    return this.definitions().flatMap(([name, { joins = [], dimensions = [], metrics = [] }]) => {
      const plain = [...dimensions, ...metrics].map(({ expression }) => expression);
      const conditions = [...joins.map(({ on }) => on), ...metrics.map(({ filter }) => filter ?? "")];
      return [...plain, ...conditions].map((sql): [string, string] => [`semantics/${name}`, sql]);
    });
  }

  /** The models that refer to a contract. */
  referrers(contract: string): string[] {
    const models = this.registry.entries().filter(([, { value }]) => value.schema_ref === contract);
    return models.map(([name]) => `semantics/${name}`);
  }

  #visible(name: string, caller: Caller): Entry<SemanticModel> {
    const entry = this.registry.entry(name);
    for (const relation of relationsOf(entry)) {
      requireVisible(caller, relation, "semantic_model_not_found", name);
    }
    return entry;
  }

  #reference({ schema_ref }: SemanticModel): ValidationFailure[] {
    if (schema_ref == null || this.#parts.contracts.registry.has(schema_ref)) return [];
    return [
      { pointer: "/schema_ref", message: `names no contract: there is no '${schema_ref}'`, keyword: "reference" },
    ];
  }
}

function relationsOf({ value: { relation, joins = [] } }: Entry<SemanticModel>): string[] {
  return [relation, ...joins.map((join) => join.relation)];
}

function registered(entry: Entry<SemanticModel>): RegisteredModel {
  return { entry: semanticEntry(entry), revision: entry.revision };
}

function semanticEntry({ name, registered_at, value }: Entry<SemanticModel>): SemanticEntry {
  return { name, registered_at, model: value };
}
