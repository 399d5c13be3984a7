/** Views: statements with names, planned when they are registered, read by their names or at a URL of their own. */
import {
  type ContractViolation,
  type FieldSpec,
  type PageSelection,
  type QueryRequest,
  type TypedParameter,
  type ViewDefinition,
  type ViewDescription,
  type ViewEntry,
  type ViewList,
  ViewRowsSelection,
} from "../schemas/generated/index.js";
import { type Caller, throughView, visibleEntries } from "./caller.js";
import type { Condition } from "./condition.js";
import type { Contracts } from "./contracts.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { Dependents } from "./dependents.js";
import { DocumentRegistry, type Entry } from "./document-registry.js";
import type { DocumentStore } from "./document-store.js";
import { hashMsgpackCanonical } from "./hashing.js";
import type { NativeEngine, NativeSession } from "./native.js";
import type { Turns } from "./turns.js";
import type { ViewTables } from "./view-tables.js";

/** A view as it is kept on disk, with what its planning said. */
export interface StoredView extends Required<Pick<ViewDefinition, "sql" | "parameters" | "cache_policy">> {
  readonly description?: string;
  readonly contract?: string;
  /** What the contract only warned of. */
  readonly violations?: ContractViolation[];
  readonly dependencies: string[];
  readonly columns: FieldSpec[];
}

export interface DescribedView {
  readonly description: ViewDescription;
  /** Changes with its definition and with those of the views below. */
  readonly revision: string;
}

export interface ViewsParts {
  readonly session: NativeSession;
  readonly native: NativeEngine;
  readonly store: DocumentStore<Entry<StoredView>>;
  readonly turns: Turns;
  readonly tables: ViewTables;
  /** Whether a parameter table has the name. */
  readonly contracts: Contracts;
  readonly isTaken: (name: string) => boolean;
}

export class Views {
  readonly registry: DocumentRegistry<StoredView>;
  readonly #parts: ViewsParts;
  readonly #dependents = new Dependents();

  constructor(parts: ViewsParts) {
    this.#parts = parts;
    const changed = (name: string, view: StoredView | undefined) => this.#changed(name, view);
    const kind = { noun: "view", notFound: "view_not_found", changed } as const;
    this.registry = new DocumentRegistry(kind, parts.store, parts.turns);
  }

  list(selection: PageSelection, caller: Caller): ViewList {
    const shown = (entries: Entry<StoredView>[]) => visibleEntries(caller, entries, ({ name }) => [name]);
    const { items, next_cursor } = this.registry.list(selection, shown);
    return { items: items.map((entry) => this.#entry(entry)), next_cursor };
  }

  get(name: string): DescribedView {
    const entry = this.registry.entry(name);
    const { sql, parameters, columns, contract, violations } = entry.value;
    const held = { ...(contract !== undefined && { contract }), ...(violations && { violations }) };
    const description = { ...this.#entry(entry), sql, parameters, columns, ...held };
    return { description, revision: this.#fingerprint(entry) };
  }

  /** Registers the view once it is planned, and those that read it still are; says whether there was none. */
  async put(
    name: string,
    definition: ViewDefinition,
    condition: Condition,
  ): Promise<DescribedView & { created: boolean }> {
    const planned = () => this.#planned(name, definition);
    const { created } = await this.registry.put(name, planned, this.#byFingerprint(name, condition));
    return { ...this.get(name), created };
  }

  /** Forgets the view unless others read it. */
  async remove(name: string, condition: Condition): Promise<void> {
    await this.registry.remove(name, this.#byFingerprint(name, condition), () => this.#refuseRead(name));
    await this.#parts.tables.forget(name);
  }

  /** The query that gives the rows of a view, in its own order, with texts as the values of its parameters; whoever may
   * name the view reads what it reads. */
  rows(
    name: string,
    values: Readonly<Record<string, string>>,
    caller: Caller,
  ): { query: QueryRequest; caller: Caller } {
    const { sql, parameters } = this.registry.entry(name).value;
    const unknown = Object.keys(values).find((key) => parameters[key] === undefined);
    if (unknown !== undefined) throw unknownParameter(name, unknown, Object.keys(parameters));
    const typed = Object.entries(parameters).flatMap(([key, { type, default: otherwise }]) => {
      const value = values[key] ?? otherwise;
      return value === undefined ? [] : [[key, { type, value }] as [string, TypedParameter]];
    });
    return { query: { sql, parameters: Object.fromEntries(typed) }, caller: throughView(caller) };
  }

  get size(): number {
    return this.registry.size;
  }

  fingerprint(): string {
    return this.registry.fingerprint();
  }

  /** What the views were registered with, each after those that it reads. */
  definitions(): [string, ViewDefinition][] {
    return this.inOrder().map(({ name, value }) => {
      const { dependencies: _, columns: __, violations: ___, ...definition } = value;
      return [name, definition];
    });
  }

  /** The statements of the views, by what these are called. */
  texts(): [string, string][] {
    return this.registry.entries().map(([name, { value }]) => [`views/${name}`, value.sql]);
  }

  /** Plans views again as they are; refuses what can't be. */
  async replan(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const { sql, parameters, cache_policy } = this.registry.entry(name).value;
      try {
        await this.#parts.session.planView(name, { sql, parameters, cache_policy }, this.#dependents.above(name));
      } catch (error) {
        throw wouldBreak(name, error);
      }
    }
  }

  /** The views that are held to a contract. */
  referrers(contract: string): string[] {
    const views = this.registry.entries().filter(([, { value }]) => value.contract === contract);
    return views.map(([name]) => `views/${name}`);
  }

  /** The views, each after those that it reads. */
  inOrder(): Entry<StoredView>[] {
    const ordered = new Map<string, Entry<StoredView>>();
    const visit = (entry: Entry<StoredView> | undefined): void => {
      if (entry === undefined || ordered.has(entry.name)) return;
      for (const name of [...entry.value.dependencies].sort()) visit(this.registry.get(name));
      ordered.set(entry.name, entry);
    };
    for (const [, entry] of this.registry.entries()) visit(entry);
    return [...ordered.values()];
  }

  async #planned(name: string, definition: ViewDefinition): Promise<StoredView> {
    const { sql, parameters = {}, cache_policy = "none", description, contract } = definition;
    if (this.#parts.isTaken(name)) throw nameTaken(name);
    refuseReserved(parameters);
    const { session } = this.#parts;
    const spec = { sql, parameters, cache_policy };
    const { dependencies, columns, volatile } = await session.planView(name, spec, this.#dependents.above(name));
    if (cache_policy !== "none") refuseUnkept(name, definitionFault(volatile, parameters));
    const held = contract === undefined ? {} : { contract, ...this.#held(name, contract, columns) };
    return { ...spec, ...(description !== undefined && { description }), ...held, dependencies, columns };
  }

  /** What a contract only warns of in a view; refuses what it doesn't let in. */
  #held(name: string, contract: string, columns: FieldSpec[]): Pick<StoredView, "violations"> {
    const { contracts } = this.#parts;
    const { on_write = "enforce" } = contracts.registry.entry(contract).value;
    const violations = on_write === "off" ? [] : contracts.violations(contract, columns);
    if (violations.length === 0) return {};
    if (on_write === "warn") return { violations };
    throw new DataFusionEngineError(`The columns of the view ${name} break the contract ${contract}.`, {
      code: "contract_violated",
      details: { contract, violations },
    });
  }

  #entry({ name, registered_at, value }: Entry<StoredView>): ViewEntry {
    const { cache_policy, description, dependencies } = value;
    return {
      name,
      cache_policy,
      ...(description !== undefined && { description }),
      dependencies,
      fingerprint: this.#fingerprint({ name, value }),
      registered_at,
    };
  }

  #fingerprint({ name, value }: Pick<Entry<StoredView>, "name" | "value">): string {
    const below = value.dependencies.flatMap((dependency) => {
      const entry = this.registry.get(dependency);
      return entry === undefined ? [] : [[dependency, this.#fingerprint(entry)]];
    });
    return hashMsgpackCanonical({ name, value, below: Object.fromEntries(below) });
  }

  #byFingerprint(name: string, condition: Condition): Condition {
    return () => {
      const entry = this.registry.get(name);
      return condition(entry && this.#fingerprint(entry));
    };
  }

  #refuseRead(name: string): void {
    const readers = this.readers(name);
    if (readers.length === 0) return;
    throw new DataFusionEngineError(`The view ${name} is read by ${readers.join(", ")}; remove or change them first.`, {
      code: "entry_in_use",
      details: { views: readers },
    });
  }

  /** The views that name a table, a view or values. */
  readers(name: string): string[] {
    return this.#dependents.of(name);
  }

  #changed(name: string, view: StoredView | undefined): void {
    this.#dependents.set(name, view?.dependencies ?? []);
    attach(this.#parts.native, name, view);
  }
}

/** Has statements read the view, or no longer. */
function attach(native: NativeEngine, name: string, view: StoredView | undefined): void {
  if (view === undefined) {
    native.detachView(name);
    return;
  }
  const { sql, parameters, cache_policy } = view;
  native.attachView(name, { sql, parameters, cache_policy });
}

/** Names that mean something else in the URL of a view's rows. */
const reservedParameters = Object.keys(ViewRowsSelection.properties);

function refuseReserved(parameters: NonNullable<ViewDefinition["parameters"]>): void {
  const reserved = reservedParameters.find((name) => parameters[name] !== undefined);
  if (reserved === undefined) return;
  throw new DataFusionEngineError(`A view has no parameter ${reserved}: its URL needs the name. Choose another.`, {
    code: "invalid_entry",
    details: { pointer: `/parameters/${reserved}` },
  });
}

function wouldBreak(name: string, error: unknown): unknown {
  if (!(error instanceof DataFusionEngineError)) return error;
  const message = `The view ${name} could no longer be planned: ${error.message}`;
  return new DataFusionEngineError(message, { code: "entry_in_use", details: { views: [name] }, cause: error });
}

function nameTaken(name: string): DataFusionEngineError {
  return new DataFusionEngineError(`${name} is the name of a parameter table.`, { code: "name_taken" });
}

/** Why rows of the view can't be kept between queries. */
function definitionFault(
  volatile: string | null | undefined,
  parameters: NonNullable<ViewDefinition["parameters"]>,
): string | undefined {
  if (volatile != null) return `it uses ${volatile}, which gives other rows each time`;
  const open = Object.entries(parameters).find(([, parameter]) => parameter.default === undefined);
  return open && `its parameter ${open[0]} has no default`;
}

function refuseUnkept(name: string, fault: string | undefined): void {
  if (fault === undefined) return;
  const message = `The rows of the view ${name} can't be kept, since ${fault}. Use the cache policy none.`;
  throw new DataFusionEngineError(message, { code: "invalid_entry", details: { pointer: "/cache_policy" } });
}

function unknownParameter(view: string, name: string, known: readonly string[]): DataFusionEngineError {
  const has = known.length === 0 ? "It has none." : `It has ${known.join(", ")}.`;
  return new DataFusionEngineError(`The view ${view} has no parameter ${name}. ${has}`, {
    code: "parameter_invalid",
    details: { parameter: name },
  });
}
