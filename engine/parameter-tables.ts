/** Parameter tables: relations whose rows are values of a request, a session or a rule. */
import type {
  KeptRelation,
  PageSelection,
  ParameterArtifact,
  ParameterTable,
  ParameterTableEntry,
  ParameterTableList,
  ParameterValues,
  QueryIdentity,
  QueryRequest,
  ValuesSelection,
} from "../schemas/generated/index.js";
import { type Caller, requireScope, requireVisible, visibleEntries } from "./caller.js";
import type { Condition } from "./condition.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { DocumentRegistry, type Entry } from "./document-registry.js";
import type { DocumentStore } from "./document-store.js";
import { fill, type IncomingRows } from "./fill.js";
import { hashMsgpackCanonical } from "./hashing.js";
import { requireNoErrors } from "./invalid-entry.js";
import { checkParameterTable, emptyParameterStatement, type NativeEngine } from "./native.js";
import type { ParameterValueFiles } from "./parameter-value-files.js";
import type { SessionValues } from "./session-values.js";
import type { Sessions } from "./sessions.js";
import type { Turns } from "./turns.js";

/** A parameter table as it is kept on disk. */
export interface StoredParameterTable {
  readonly table: ParameterTable;
  /** Those of the rule. */
  readonly values: ParameterArtifact | null;
}

export interface ParameterTablesParts {
  readonly native: NativeEngine;
  readonly store: DocumentStore<Entry<StoredParameterTable>>;
  readonly turns: Turns;
  readonly sessions: Sessions;
  readonly ofSessions: SessionValues;
  readonly files: ParameterValueFiles;
  /** Whether a table or view has the name. */
  readonly isTaken: (name: string) => Promise<boolean>;
  /** The views that read a relation. */
  readonly readers: (name: string) => string[];
}

export interface RegisteredParameterTable {
  readonly entry: ParameterTableEntry;
  readonly revision: string;
}

/** What holds for every query. */
interface Rules {
  /** By the names of tables. */
  readonly values: Readonly<Record<string, ParameterArtifact>>;
  /** The tables that must have values. */
  readonly needed: readonly string[];
}

/** The values that a query may read. */
export interface GivenValues {
  /** What stands for parameter tables, by their names. */
  readonly kept: Readonly<Record<string, KeptRelation>>;
  /** Refuses a query that reads a table which must have values and has none; absent where there is no such table. */
  readonly require?: (identity: QueryIdentity) => void;
  /** Whether a query that came now would be given the same. */
  readonly areCurrent: () => boolean;
}

export const noValues: GivenValues = { kept: {}, areCurrent: () => true };

export class ParameterTables {
  readonly registry: DocumentRegistry<StoredParameterTable>;
  readonly #parts: ParameterTablesParts;
  /** How often tables or values have changed. */
  #changes = 0;
  #known: Rules | undefined;

  constructor(parts: ParameterTablesParts) {
    this.#parts = parts;
    const kind = { noun: "parameter table", notFound: "parameter_table_not_found" } as const;
    const changed = (name: string, stored: StoredParameterTable | undefined) => this.#attach(name, stored);
    this.registry = new DocumentRegistry({ ...kind, changed }, parts.store, parts.turns);
  }

  list(selection: PageSelection, caller: Caller): ParameterTableList {
    const shown = (entries: Entry<StoredParameterTable>[]) => visibleEntries(caller, entries, ({ name }) => [name]);
    const { items, next_cursor } = this.registry.list(selection, shown);
    return { items: items.map(tableEntry), next_cursor };
  }

  describe(name: string): RegisteredParameterTable {
    return registered(this.registry.entry(name));
  }

  /** Registers a table; the values of one before it stay where they still fit. */
  async put(
    name: string,
    table: ParameterTable,
    condition: Condition,
  ): Promise<RegisteredParameterTable & { created: boolean }> {
    const make = async (before: StoredParameterTable | undefined) => {
      if (before === undefined) await this.#refuseTaken(name);
      requireNoErrors(checkParameterTable(table));
      const fits = before !== undefined && formOf(before.table) === formOf(table);
      if (!fits) await this.#parts.ofSessions.forget(name);
      return { table, values: fits ? before.values : null };
    };
    const entry = await this.registry.put(name, make, condition);
    return { ...registered(entry), created: entry.created };
  }

  /** Forgets a table that no view reads. */
  async remove(name: string, condition: Condition): Promise<void> {
    await this.registry.remove(name, condition, () => this.#refuseRead(name));
    await this.#parts.ofSessions.forget(name);
  }

  get size(): number {
    return this.registry.size;
  }

  /** Of the tables, whatever values they have. */
  fingerprint(): string {
    return hashMsgpackCanonical(Object.fromEntries(this.definitions()));
  }

  /** What the tables were registered with. */
  definitions(): [string, ParameterTable][] {
    return this.registry.entries().map(([name, { value }]) => [name, value.table]);
  }

  /** Takes rows as the values of a table. */
  async take(
    name: string,
    { scope = "run", session_id }: ValuesSelection,
    rows: IncomingRows,
    caller: Caller,
  ): Promise<ParameterValues> {
    // They hold for everybody.
    if (scope === "rule") requireScope(caller, "admin");
    const { table } = this.registry.entry(name).value;
    if ((scope === "session") !== (session_id !== undefined)) throw sessionHalfSaid();
    if (session_id !== undefined) this.#parts.sessions.use(session_id, caller);
    const { folder } = this.#parts.files;
    const taking = { operation: "parameter_values", request: { table, folder }, context: {} } as const;
    const artifact = await fill<ParameterArtifact>(this.#parts.native, taking, rows);
    if (scope === "rule") await this.#keep(name, table, artifact);
    if (session_id !== undefined) await this.#keepInSession(session_id, name, artifact);
    await this.#sweep();
    return { ...artifact, scope };
  }

  /** The values of a request, and of its session and the rules where it names none. */
  async given(
    { parameter_tables = {}, session_id }: Pick<QueryRequest, "parameter_tables" | "session_id">,
    caller: Caller,
  ): Promise<GivenValues> {
    const changes = this.#changes;
    const areCurrent = () => changes === this.#changes;
    if (this.registry.size === 0 && Object.keys(parameter_tables).length === 0) return { kept: {}, areCurrent };
    const artifacts: Record<string, ParameterArtifact> = {};
    const ofSession = session_id === undefined ? {} : this.#parts.ofSessions.of(session_id);
    Object.assign(artifacts, this.#rules.values, ofSession);
    for (const [name, signature] of Object.entries(parameter_tables)) {
      requireVisible(caller, name, "parameter_table_not_found");
      const { table } = this.registry.entry(name).value;
      artifacts[name] = await this.#parts.files.find(name, table, signature);
    }
    const filled = Object.entries(artifacts).filter(([, { rows }]) => rows > 0);
    const { files } = this.#parts;
    const kept = Object.fromEntries(filled.map(([name, artifact]) => [name, files.relation(artifact)]));
    const mustHave = this.#rules.needed.some((name) => kept[name] === undefined);
    return {
      kept,
      areCurrent,
      ...(mustHave && { require: (identity: QueryIdentity) => this.#requireValues(identity) }),
    };
  }

  get #rules(): Rules {
    this.#known ??= rulesOf(this.registry.entries());
    return this.#known;
  }

  /** A table is read as a view where no values stand in its place. */
  #requireValues({ views = {} }: QueryIdentity): void {
    const name = Object.keys(views).find((view) => this.#mustHave(view));
    if (name === undefined) return;
    const message = `The parameter table ${name} has no values: send some to /v1/parameter-tables/${name}/values.`;
    throw new DataFusionEngineError(message, { code: "parameter_missing", details: { parameter_table: name } });
  }

  async #refuseTaken(name: string): Promise<void> {
    if (!(await this.#parts.isTaken(name))) return;
    throw new DataFusionEngineError(`${name} is the name of a table or view.`, { code: "name_taken" });
  }

  #refuseRead(name: string): void {
    const views = this.#parts.readers(name);
    if (views.length === 0) return;
    const message = `The parameter table ${name} is read by ${views.join(", ")}; remove or change them first.`;
    throw new DataFusionEngineError(message, { code: "entry_in_use", details: { views } });
  }

  #mustHave(name: string): boolean {
    return this.registry.get(name)?.value.table.empty_semantics === "error";
  }

  /** Refuses values of a table that was changed while they came. */
  async #keep(name: string, table: ParameterTable, values: ParameterArtifact): Promise<void> {
    await this.registry.put(name, (before) => {
      if (before !== undefined && formOf(before.table) === formOf(table)) return { table: before.table, values };
      const message = `The parameter table ${name} has changed while its values came.`;
      throw new DataFusionEngineError(message, { code: "precondition_failed" });
    });
  }

  /** One at a time, so that none is lost. */
  #keepInSession(id: string, name: string, artifact: ParameterArtifact): Promise<void> {
    return this.#parts.turns.run(async () => {
      await this.#parts.ofSessions.set(id, name, artifact);
      this.#changes += 1;
    });
  }

  #attach(name: string, stored: StoredParameterTable | undefined): void {
    this.#changes += 1;
    this.#known = undefined;
    const { native } = this.#parts;
    if (stored === undefined) native.detachView(name);
    else native.attachView(name, { sql: emptyParameterStatement(stored.table) });
  }

  /** Removes the values of sessions that are gone, and files that nobody reads any more. */
  async #sweep(): Promise<void> {
    const { ofSessions, sessions, files } = this.#parts;
    await ofSessions.sweep((id) => sessions.isOpen(id));
    const rules = this.registry.entries().map(([, { value }]) => value.values);
    files.sweep([...rules, ...ofSessions.artifacts()].flatMap((artifact) => artifact?.signature ?? []));
  }
}

function rulesOf(entries: readonly [string, Entry<StoredParameterTable>][]): Rules {
  const valued = entries.flatMap(([name, { value }]) => (value.values ? [[name, value.values] as const] : []));
  const needed = entries.filter(([, { value }]) => value.table.empty_semantics === "error");
  return { values: Object.fromEntries(valued), needed: needed.map(([name]) => name) };
}

/** What values must fit. */
function formOf({ key_column, columns, distinct = false }: ParameterTable): string {
  return hashMsgpackCanonical({ key_column, columns, distinct });
}

function sessionHalfSaid(): DataFusionEngineError {
  const message = "A session_id goes with the scope session, and the scope session with a session_id.";
  return new DataFusionEngineError(message, { code: "invalid_request" });
}

function registered(entry: Entry<StoredParameterTable>): RegisteredParameterTable {
  return { entry: tableEntry(entry), revision: entry.revision };
}

function tableEntry({ name, registered_at, value }: Entry<StoredParameterTable>): ParameterTableEntry {
  return { name, registered_at, ...value };
}
