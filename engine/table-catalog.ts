/** The tables that are served: those of the warehouse, and those registered by URI, which survive a restart. */
import { randomUUID } from "node:crypto";
import type {
  PageSelection,
  QueryFailure,
  TableDescription,
  TableEntry,
  TableList,
  TableRegistration,
  TableSelection,
} from "../schemas/generated/index.js";
import { type Caller, visibleEntries } from "./caller.js";
import type { Condition } from "./condition.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { DocumentStore } from "./document-store.js";
import { hashMsgpackCanonical } from "./hashing.js";
import type { Log } from "./log.js";
import type { NativeEngine } from "./native.js";
import { page } from "./page.js";
import { queryFailure } from "./query-failure.js";
import { MutableRegistry } from "./registry.js";
import type { StoredTable } from "./stored-table.js";
import { Turns } from "./turns.js";

export interface DescribedTable {
  readonly description: TableDescription;
  /** Changes with every registration and every commit. */
  readonly revision: string;
}

interface RegisteredTable {
  readonly stored: StoredTable;
  /** Why it is not attached; absent when it is. */
  readonly failure?: QueryFailure;
}

/** How long a start waits for registered tables; slower ones are attached while the service runs. */
const restoreWaitMs = 500;
/** How often a table that could not be opened is tried again. */
const retryMs = 30_000;

export class TableCatalog {
  readonly #native: NativeEngine;
  readonly #store: DocumentStore<StoredTable>;
  readonly #log: Log;
  readonly #isTaken: (name: string) => boolean;
  readonly #tables = new MutableRegistry<string, RegisteredTable>();
  readonly #turns = new Turns();
  #retries: NodeJS.Timeout | undefined;

  /** `isTaken`: whether something else than a table has a name. */
  constructor(native: NativeEngine, store: DocumentStore<StoredTable>, log: Log, isTaken: (name: string) => boolean) {
    this.#native = native;
    this.#store = store;
    this.#log = log;
    this.#isTaken = isTaken;
  }

  async restore(): Promise<void> {
    const tables = await this.#store.load();
    const failure = queryFailure(new DataFusionEngineError("Not opened yet.", { code: "service_unavailable" }));
    for (const stored of tables) this.#tables.register(stored.name, { stored, failure });
    const attached = this.#openBroken();
    await Promise.race([attached, new Promise((resolve) => setTimeout(resolve, restoreWaitMs))]);
    this.#retries = setInterval(() => this.#openBroken(), retryMs).unref();
  }

  close(): void {
    clearInterval(this.#retries);
  }

  /** None of a table of the warehouse. */
  storageOptions(name: string): Readonly<Record<string, string>> {
    return this.#tables.get(name)?.stored.storage_options ?? {};
  }

  get size(): number {
    return this.#tables.size;
  }

  /** Of the registered tables, without their secrets. */
  fingerprint(): string {
    return hashMsgpackCanonical(Object.fromEntries(this.definitions()));
  }

  /** What tables were registered with, without their storage options. */
  definitions(): [string, TableRegistration][] {
    return this.backup().map(([name, { storage_options: _, ...rest }]) => [name, rest]);
  }

  /** Registers a table as a catalog has it, which knows no options: one that stays where it is keeps its own. */
  restoreEntry(name: string, registration: TableRegistration, condition: Condition) {
    const { uri, storage_options = {} } = registration;
    const stored = this.#tables.get(name)?.stored;
    const keeps = Object.keys(storage_options).length === 0 && stored?.uri === uri;
    return this.put(name, { ...registration, ...(keeps && { storage_options: stored.storage_options }) }, condition);
  }

  backup(): [string, TableRegistration][] {
    return this.#tables.entries().map(([name, { stored }]) => {
      const { uri, storage_options, gate = null } = stored;
      return [name, { uri, storage_options, gate }];
    });
  }

  async list(selection: PageSelection, caller: Caller): Promise<TableList> {
    const served = await this.#native.tables();
    const names = new Set(served.map(({ name }) => name));
    const broken = this.#tables.entries().filter(([name]) => !names.has(name));
    const all = [...served, ...broken.map(([, table]) => brokenEntry(table))];
    const items = visibleEntries(caller, all, ({ name }) => [name]);
    return page(items.sort(byName), selection, ({ name }) => name);
  }

  async describe(name: string, selection: TableSelection = {}): Promise<DescribedTable> {
    await this.attached(name);
    const description = await this.#native.describeTable(name, selection);
    return { description, revision: this.revisionAt(name, description.version) };
  }

  /** Whether there is a table of the name, registered or in the warehouse. */
  async isServed(name: string): Promise<boolean> {
    return this.#tables.has(name) || (await this.#native.tables()).some((table) => table.name === name);
  }

  /** Opens the table where that has failed so far. */
  async attached(name: string): Promise<void> {
    if (this.#tables.get(name)?.failure !== undefined) await this.#open(name);
  }

  /** The revision of the table at a version; without one, of its mere registration. */
  revisionAt(name: string, version?: number): string {
    return `${version ?? "-"}.${this.#registrationHash(name)}`;
  }

  /** The version that a write must follow on, so that the table is at one of the revisions. */
  async versionAmong(name: string, revisions: readonly string[]): Promise<number> {
    const versions = revisions.flatMap((revision) => this.#versionIn(name, revision));
    const [only] = versions;
    if (only === undefined) throw notAsExpected(name);
    if (versions.length === 1) return only;
    const { description } = await this.describe(name);
    return versions.includes(description.version) ? description.version : only;
  }

  /** Refuses a name under which a table is served, or that the condition does not let be made. */
  async refuseTaken(name: string, condition: Condition): Promise<void> {
    this.#refuseOther(name);
    const served = await this.isServed(name);
    if (!condition(served ? this.revisionAt(name) : undefined)) throw notAsExpected(name);
    if (served) throw tableExists(name);
  }

  /** Refuses a name under which a table is registered, unless it is the one at `uri`. */
  refuseRegistered(name: string, uri?: string): void {
    this.#refuseOther(name);
    const registered = this.#tables.get(name);
    if (registered !== undefined && registered.stored.uri !== uri) throw tableExists(name);
  }

  #refuseOther(name: string): void {
    if (!this.#isTaken(name)) return;
    const message = `${name} is the name of a view or parameter table.`;
    throw new DataFusionEngineError(message, { code: "name_taken" });
  }

  /** Registers the table, in place of the one that has the name; says whether there was none. */
  put(
    name: string,
    registration: TableRegistration,
    condition: Condition,
  ): Promise<DescribedTable & { created: boolean }> {
    return this.#turns.run(async () => {
      await this.#refuseWarehouseName(name);
      await this.#check(name, condition);
      if (!this.#tables.has(name)) this.#store.requireRoom(this.#tables.size);
      const { uri, storage_options = {}, gate = null } = registration;
      const spec = { uri, storage_options, gate };
      const description = await this.#native.attachTable(name, spec);
      const stored = { name, ...spec, registered_at: new Date().toISOString(), revision: randomUUID() };
      await this.#save(stored);
      const created = !this.#tables.has(name);
      this.#tables.register(name, { stored }, { overwrite: true });
      return { description, revision: this.revisionAt(name, description.version), created };
    });
  }

  /** Forgets the table; its files stay. */
  remove(name: string, condition: Condition): Promise<void> {
    return this.#turns.run(async () => {
      await this.#refuseWarehouseName(name);
      if (!this.#tables.has(name)) throw noSuchTable(name);
      await this.#check(name, condition);
      await this.#store.remove(name);
      this.#native.detachTable(name);
      this.#tables.unregister(name);
    });
  }

  /** Deletes the table with its files, a registered one or one of the warehouse. */
  purge(name: string, revisions: readonly string[] | undefined): Promise<void> {
    return this.#turns.run(async () => {
      const version = revisions && (await this.versionAmong(name, revisions));
      await this.#native.purgeTable(name, version);
      if (!this.#tables.has(name)) return;
      await this.#store.remove(name);
      this.#tables.unregister(name);
    });
  }

  async #openBroken(): Promise<void> {
    const broken = this.#tables.entries().filter(([, { failure }]) => failure !== undefined);
    await Promise.allSettled(broken.map(([name]) => this.#open(name)));
  }

  async #open(name: string): Promise<void> {
    const stored = this.#tables.get(name)?.stored;
    if (stored === undefined) return;
    const { uri, storage_options, gate = null } = stored;
    const outcome = await this.#native.attachTable(name, { uri, storage_options, gate }).then(
      () => ({ stored }),
      (error: unknown) => ({ stored, failure: queryFailure(error), error }),
    );
    if (this.#tables.get(name)?.stored !== stored) return this.#reopen(name);
    this.#tables.register(name, outcome, { overwrite: true });
    if (!("error" in outcome)) return;
    this.#log.warn({ table: name, code: outcome.failure.code }, "a registered table could not be opened");
    throw outcome.error;
  }

  /** For a registration that changed while it was opened. */
  async #reopen(name: string): Promise<void> {
    this.#native.detachTable(name);
    await this.#open(name);
  }

  async #save(stored: StoredTable): Promise<void> {
    try {
      await this.#store.save(stored.name, stored);
    } catch (error) {
      await this.#undo(stored.name);
      throw error;
    }
  }

  async #undo(name: string): Promise<void> {
    this.#native.detachTable(name);
    await this.#open(name).catch(() => undefined);
  }

  async #refuseWarehouseName(name: string): Promise<void> {
    const tables = await this.#native.tables();
    if (!tables.some((table) => table.name === name && table.source === "warehouse")) return;
    throw new DataFusionEngineError(`${name} is a table of the warehouse; its folder decides whether it is served.`, {
      code: "name_taken",
    });
  }

  async #check(name: string, condition: Condition): Promise<void> {
    if (!condition(await this.#currentRevision(name))) throw notAsExpected(name);
  }

  async #currentRevision(name: string): Promise<string | undefined> {
    const table = this.#tables.get(name);
    if (table === undefined) return undefined;
    const described = await this.describe(name).catch(() => undefined);
    return this.revisionAt(name, described?.description.version);
  }

  #versionIn(name: string, revision: string): number[] {
    const [, version, registration] = /^(\d{1,15})\.(\w+)$/.exec(revision) ?? [];
    return registration === this.#registrationHash(name) ? [Number(version)] : [];
  }

  #registrationHash(name: string): string {
    return hashMsgpackCanonical({ name, registration: this.#tables.get(name)?.stored.revision ?? null }).slice(0, 16);
  }
}

function brokenEntry({ stored, failure }: RegisteredTable): TableEntry {
  return { name: stored.name, uri: stored.uri, source: "registered", ...(failure && { error: failure }) };
}

function byName(left: TableEntry, right: TableEntry): number {
  return left.name < right.name ? -1 : 1;
}

function noSuchTable(name: string): DataFusionEngineError {
  return new DataFusionEngineError(`There is no table ${name}.`, { code: "table_not_found" });
}

function tableExists(name: string): DataFusionEngineError {
  return new DataFusionEngineError(`There is a table ${name} already.`, { code: "table_exists" });
}

function notAsExpected(name: string): DataFusionEngineError {
  return new DataFusionEngineError(`The table ${name} is not as the condition expects.`, {
    code: "precondition_failed",
  });
}
