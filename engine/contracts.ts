/** Schema contracts: what the columns and rows of tables must be, and whether they are. */
import type {
  ContractBreach,
  ContractCheck,
  ContractDefinition,
  ContractEntry,
  ContractInference,
  ContractList,
  ContractReport,
  ContractViolation,
  EnforcedContract,
  FieldSpec,
  KeptRelation,
  PageSelection,
  QueryRequest,
  QuerySource,
  RelationShape,
  ResultFormat,
  RowCheck,
  RowCheckPlan,
  RowReport,
  SchemaContract,
  SchemaValidation,
} from "../schemas/generated/index.js";
import { type Caller, requireVisible, visibleEntries } from "./caller.js";
import type { Condition } from "./condition.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { DocumentRegistry, type Entry } from "./document-registry.js";
import type { DocumentStore } from "./document-store.js";
import type { IncomingRows } from "./fill.js";
import type { IncomingRowFiles, RowFile } from "./incoming-row-files.js";
import { requireNoErrors } from "./invalid-entry.js";
import type { Log } from "./log.js";
import { contractVerdict, type NativeEngine } from "./native.js";
import type { Queries } from "./queries.js";
import type { Query } from "./query.js";
import { MutableRegistry } from "./registry.js";
import { relationShape } from "./relation-shape.js";
import { rowsOver, sqlRows } from "./sql-rows.js";
import type { TableReads } from "./table-reads.js";
import type { Turns } from "./turns.js";

export interface ContractsParts {
  readonly native: NativeEngine;
  readonly store: DocumentStore<Entry<SchemaContract>>;
  readonly turns: Turns;
  readonly reads: TableReads;
  readonly queries: Queries;
  readonly files: IncomingRowFiles;
  readonly log: Log;
  /** The entries of other registries that refer to a contract. */
  readonly referrers: (contract: string) => string[];
}

export interface RegisteredContract {
  readonly entry: ContractEntry;
  readonly revision: string;
}

/** How rows that came with a request are looked at. */
export interface RowTerms {
  readonly coerce?: boolean;
  readonly samples?: number;
}

/** How good rows are written. */
export interface GoodRowTerms extends Pick<QueryRequest, "numbers" | "row_format"> {
  readonly coerce?: boolean;
  readonly format: ResultFormat;
}

/** What is looked at: a relation of the server, or rows that came with the request. */
type Ask = <Row>(sql: string) => Promise<Row[]>;

/** By what rows that came with a request are called in statements over them. */
const incoming = "rows";

/** The laxest first. */
const laxity: readonly SchemaValidation[] = ["off", "warn", "enforce"];

export class Contracts {
  readonly registry: DocumentRegistry<SchemaContract>;
  readonly #parts: ContractsParts;
  /** The contracts of each table; undefined until it is needed, and after each change. */
  #byTable: MutableRegistry<string, Entry<SchemaContract>[]> | undefined;

  constructor(parts: ContractsParts) {
    this.#parts = parts;
    const changed = () => {
      this.#byTable = undefined;
    };
    const kind = { noun: "contract", notFound: "contract_not_found", changed } as const;
    this.registry = new DocumentRegistry(kind, parts.store, parts.turns);
  }

  /** Those of tables that the caller may know of. */
  list(selection: PageSelection, caller: Caller): ContractList {
    const shown = (entries: Entry<SchemaContract>[]) => visibleEntries(caller, entries, tablesOf);
    const { items, next_cursor } = this.registry.list(selection, shown);
    return { items: items.map(contractEntry), next_cursor };
  }

  describe(name: string, caller: Caller): RegisteredContract {
    return registered(this.#visible(name, caller));
  }

  /** Registers a contract as it is written, or as the table that it is inferred from has it. */
  async put(
    name: string,
    definition: ContractDefinition,
    condition: Condition,
  ): Promise<RegisteredContract & { created: boolean }> {
    const { native } = this.#parts;
    const make = async () => {
      const contract = "infer_from" in definition ? await this.#infer(name, definition) : definition;
      requireNoErrors(native.checkContract(contract));
      return contract;
    };
    const entry = await this.registry.put(name, make, condition);
    return { ...registered(entry), created: entry.created };
  }

  /** Forgets a contract that no semantic model refers to. */
  remove(name: string, condition: Condition): Promise<void> {
    return this.registry.remove(name, condition, () => this.#refuseInUse(name));
  }

  get size(): number {
    return this.registry.size;
  }

  fingerprint(): string {
    return this.registry.fingerprint();
  }

  /** What the entries were registered with. */
  definitions(): [string, SchemaContract][] {
    return this.registry.values();
  }

  /** Holds a table, a view or columns to a contract. */
  async validate(name: string, check: ContractCheck, caller: Caller): Promise<ContractReport> {
    const { value: contract } = this.#visible(name, caller);
    if (check.table !== undefined) requireVisible(caller, check.table, "table_not_found");
    const shape = await this.#shape(contract.table ?? name, check, caller);
    const { violations, rows: plan } = contractVerdict(contract, shape, check.rows);
    const ask: Ask = (sql) => sqlRows(this.#parts.queries, sql, caller);
    const rows = plan ? await look(plan, check.rows, ask) : undefined;
    const good = rows?.good && plan && { good: { ...rows.good, sql: plan.good } };
    return reportOf(violations, rows && { ...rows, ...good });
  }

  /** Holds rows that came with a request to a contract. */
  async validateRows(name: string, rows: IncomingRows, terms: RowTerms, caller: Caller): Promise<ContractReport> {
    const { value: contract } = this.#visible(name, caller);
    const { files, queries } = this.#parts;
    const file = await files.take(contract, rows, terms.coerce);
    try {
      const check = { coerce: file.coerce, filter: true, samples: terms.samples ?? defaultSamples };
      const { violations, rows: plan } = contractVerdict(contract, shapeOf(file), check);
      const ask: Ask = (sql) => rowsOver(queries, sql, { [incoming]: relationOf(file) }, caller);
      return reportOf(violations, plan && (await look(plan, check, ask)));
    } finally {
      await files.forget(file);
    }
  }

  /** The rows of a relation, or of the request, that keep a contract, brought to its types where that is asked for. */
  async goodRows(
    name: string,
    given: ContractCheck | IncomingRows,
    { coerce, format, ...style }: GoodRowTerms,
    caller: Caller,
  ): Promise<GoodRows> {
    const { value: contract } = this.#visible(name, caller);
    const { queries, files } = this.#parts;
    if (!("bytes" in given)) {
      if (given.table !== undefined) requireVisible(caller, given.table, "table_not_found");
      const shape = await this.#shape(contract.table ?? name, given, caller);
      const sql = goodStatement(contract, shape, given.rows?.coerce ?? coerce ?? false);
      return { query: queries.run({ sql, ...style }, format, {}, caller), sql };
    }
    const file = await files.take(contract, given, coerce);
    try {
      const sql = goodStatement(contract, shapeOf(file), file.coerce);
      const done = () => {
        files.forget(file).catch((err) => this.#parts.log.warn({ err }, "rows of a request are kept too long"));
      };
      return { query: queries.over({ sql, ...style }, format, { [incoming]: relationOf(file) }, caller, done) };
    } catch (error) {
      await files.forget(file);
      throw error;
    }
  }

  /** What is wrong with columns, by the contract of a name. */
  violations(name: string, columns: FieldSpec[], partition_columns: string[] = []): ContractViolation[] {
    const { value: contract } = this.registry.entry(name);
    return contractVerdict(contract, { name, columns, partition_columns }).violations;
  }

  /** The contracts that a write to a table is held to. */
  ofTable(table: string, ofSession: SchemaValidation = "enforce"): EnforcedContract[] {
    this.#byTable ??= byTable(this.registry.entries().map(([, entry]) => entry));
    const own = this.#byTable.get(table) ?? [];
    return own.map(({ name, value: contract }) => ({ name, contract, validation: validationOf(contract, ofSession) }));
  }

  /** How tables differ from their contracts at the versions that a query reads; refuses the query where they must not. */
  async ofRead(sources: readonly QuerySource[], validation: SchemaValidation): Promise<ContractBreach[]> {
    const breaches = await Promise.all(sources.map((source) => this.#breachesOf(source)));
    const found = breaches.flat();
    if (found.length === 0 || validation === "warn") return found;
    const names = found.map(({ contract }) => contract).join(", ");
    throw new DataFusionEngineError(`The tables that the statement reads break the contracts ${names}.`, {
      code: "contract_violated",
      details: { breaches: found },
    });
  }

  async #breachesOf({ name, version }: QuerySource): Promise<ContractBreach[]> {
    const contracts = this.ofTable(name);
    if (contracts.length === 0) return [];
    const { columns, partition_columns } = await this.#parts.reads.schema(name, { version });
    return contracts.flatMap(({ name: contract, contract: terms }) => {
      const { violations } = contractVerdict(terms, { name, columns, partition_columns });
      return violations.length === 0 ? [] : [{ contract, violations, rows: [] }];
    });
  }

  #visible(name: string, caller: Caller): Entry<SchemaContract> {
    const entry = this.registry.entry(name);
    for (const table of tablesOf(entry)) requireVisible(caller, table, "contract_not_found", name);
    return entry;
  }

  #refuseInUse(name: string): void {
    const entries = this.#parts.referrers(name);
    if (entries.length === 0) return;
    const message = `The contract ${name} is that of ${entries.join(", ")}.`;
    throw new DataFusionEngineError(message, { code: "entry_in_use", details: { entries } });
  }

  async #infer(name: string, { infer_from, ...terms }: ContractInference): Promise<SchemaContract> {
    const { columns, partition_columns } = await this.#parts.reads.schema(infer_from, {});
    return { ...(infer_from !== name && { table: infer_from }), columns, partition_columns, ...terms };
  }

  async #shape(
    own: string,
    { table = own, columns, partition_columns = [] }: ContractCheck,
    caller: Caller,
  ): Promise<RelationShape> {
    if (columns !== undefined) return { name: table, columns, partition_columns };
    return relationShape(table, this.#parts, caller);
  }
}

/** A query for good rows, and its statement where others can ask it too. */
export interface GoodRows {
  readonly query: Query;
  readonly sql?: string;
}

const defaultSamples = 3;

function shapeOf({ columns }: RowFile): RelationShape {
  return { name: incoming, columns, tells_itself: true };
}

function relationOf({ path, key }: RowFile): KeptRelation {
  return { path, key };
}

function goodStatement(contract: SchemaContract, shape: RelationShape, coerce: boolean): string {
  const { violations, rows } = contractVerdict(contract, shape, { coerce });
  if (rows != null && violations.length === 0) return rows.good;
  const message = "No row keeps the contract, since the columns don't.";
  throw new DataFusionEngineError(message, { code: "contract_violated", details: { violations } });
}

function reportOf(violations: ContractViolation[], rows: RowReport | null | undefined): ContractReport {
  const isWrong = rows?.violations.some(({ severity }) => severity === "error") ?? false;
  return { valid: violations.length === 0 && !isWrong, violations, ...(rows && { rows }) };
}

async function look(plan: RowCheckPlan, { coerce, filter, samples }: RowCheck = {}, ask: Ask): Promise<RowReport> {
  const [counts = {}] = await ask<Record<string, number>>(plan.counts);
  const count = (name: string) => counts[name] ?? 0;
  const broken = plan.rules.filter(({ count_name }) => count(count_name) > 0);
  const violations = broken.map(async ({ rule, column = null, severity, count_name, sample }) => {
    const rows = samples === 0 ? [] : await ask<Record<string, unknown>>(sample);
    return { rule, column, severity, count: count(count_name), sample: rows };
  });
  return {
    checked: count("checked"),
    violations: await Promise.all(violations),
    ...(coerce && { coerced: count("coerced") }),
    ...(filter && { good: { rows: count("good") } }),
  };
}

/** What the contract and the session of a write both ask for: the laxer of the two. */
function validationOf({ on_write = "enforce" }: SchemaContract, ofSession: SchemaValidation): SchemaValidation {
  return laxity.find((validation) => validation === on_write || validation === ofSession) ?? "enforce";
}

function byTable(entries: readonly Entry<SchemaContract>[]): MutableRegistry<string, Entry<SchemaContract>[]> {
  const tables = new MutableRegistry<string, Entry<SchemaContract>[]>();
  for (const entry of entries) {
    const table = entry.value.table ?? entry.name;
    tables.register(table, [...(tables.get(table) ?? []), entry], { overwrite: true });
  }
  return tables;
}

function tablesOf({ name, value }: Entry<SchemaContract>): string[] {
  return [value.table ?? name];
}

function registered(entry: Entry<SchemaContract>): RegisteredContract {
  return { entry: contractEntry(entry), revision: entry.revision };
}

function contractEntry({ name, registered_at, value }: Entry<SchemaContract>): ContractEntry {
  return { name, registered_at, contract: value };
}
