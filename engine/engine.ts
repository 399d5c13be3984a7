/** The engine as the API sees it: tables, sessions and queries over one Rust engine. */
import { join } from "node:path";
import type {
  EngineConfig,
  Readiness,
  RegistryKind,
  SchemaContract,
  SemanticModel,
  TableWrite,
  ViewSpec,
  WriteReport,
} from "../schemas/generated/index.js";
import { Catalog, type CatalogPart } from "./catalog.js";
import { Contracts } from "./contracts.js";
import { DocumentRegistry, type Entry } from "./document-registry.js";
import { DocumentStore } from "./document-store.js";
import { configFingerprint } from "./fingerprint.js";
import { Functions } from "./functions.js";
import { Gates } from "./gates.js";
import { hashMsgpackCanonical } from "./hashing.js";
import { KeptResults } from "./kept-results.js";
import { KeptViews } from "./kept-views.js";
import type { Log } from "./log.js";
import { NativeEngine } from "./native.js";
import { ParameterTables, type StoredParameterTable } from "./parameter-tables.js";
import { ParameterValueFiles } from "./parameter-value-files.js";
import { Profiles } from "./profiles.js";
import { Queries, type QueriesParts } from "./queries.js";
import { QueryHistory } from "./query-history.js";
import { ImmutableRegistry } from "./registry.js";
import { ResultCache } from "./result-cache.js";
import { ResultReader } from "./result-reader.js";
import { Schemas } from "./schemas.js";
import { Semantics } from "./semantics.js";
import { Sessions, type StoredSession } from "./sessions.js";
import { TableCatalog } from "./table-catalog.js";
import { TableOperations } from "./table-operations.js";
import { TableReads } from "./table-reads.js";
import { Turns } from "./turns.js";
import { type ViewTable, ViewTables } from "./view-tables.js";
import { type StoredView, Views } from "./views.js";

export interface EngineOptions {
  readonly config: EngineConfig;
  /** The folder for what must survive a restart. */
  readonly state: string;
  /** How many sessions may be open. */
  readonly sessions: number;
  /** How many ended queries are remembered. */
  readonly history: number;
  readonly results: ResultOptions;
}

/** How much is kept of results. */
export interface ResultOptions {
  /** Bytes on disk. */
  readonly diskBytes: number;
  /** Bytes in memory, of small results as they were last encoded. */
  readonly memoryBytes: number;
  /** How long a result is kept that only the id of its query leads to. */
  readonly ttlMs: number;
}

export interface Engine {
  readonly tables: TableCatalog;
  readonly operations: TableOperations;
  readonly sessions: Sessions;
  readonly queries: Queries;
  readonly cache: ResultCache;
  readonly contracts: Contracts;
  readonly parameterTables: ParameterTables;
  readonly semantics: Semantics;
  readonly schemas: Schemas;
  readonly views: Views;
  readonly catalog: Catalog;
  readonly reads: TableReads;
  readonly gates: Gates;
  readonly functions: Functions;
  readonly profiles: Profiles;
  /** A text that differs where two values do, for ETags. */
  revision(value: object): string;
  readiness(): Readiness;
  /** Commits rows to a Delta table; for the demo and the benchmarks. */
  write(write: TableWrite): Promise<WriteReport>;
  /** Cancels what runs and takes no more. */
  close(): void;
}

export async function openEngine(options: EngineOptions, log: Log): Promise<Engine> {
  const { state } = options;
  const native = new NativeEngine(options.config);
  log.info({ config: configFingerprint(native) }, "the engine is open");
  const tables = new TableCatalog(native, new DocumentStore(join(state, "tables"), log), log);
  const turns = new Turns();
  const functions = new Functions(native, new DocumentStore(join(state, "functions"), log), turns, log);
  await functions.restore();
  const profiles = new Profiles(native, new DocumentStore(join(state, "profiles"), log), turns);
  await profiles.load();
  const sessionStore = new DocumentStore<StoredSession>(join(state, "sessions"), log);
  const open = new Sessions({ native, profiles, store: sessionStore, log, limit: options.sessions });
  await open.load();
  const { diskBytes, memoryBytes, ttlMs } = options.results;
  const kept = new KeptResults({ folder: join(state, "results"), limitBytes: diskBytes, ttlMs }, log);
  kept.load();
  const history = new QueryHistory(new DocumentStore(join(state, "queries"), log), options.history, log);
  await history.load();
  const reader = new ResultReader(kept, open.use(undefined), memoryBytes);
  const storageOptions = (table: string) => tables.storageOptions(table);
  const viewKind = { noun: "view", notFound: "view_not_found" } as const;
  const keptTables = new DocumentRegistry<ViewTable>(
    viewKind,
    new DocumentStore(join(state, "view-tables"), log),
    new Turns(),
  );
  const viewTables = new ViewTables(native, reader, keptTables);
  const viewRegistry = new DocumentRegistry<StoredView>(
    {
      ...viewKind,
      changed: (name, view) => (view === undefined ? native.detachView(name) : native.attachView(name, specOf(view))),
    },
    new DocumentStore(join(state, "views"), log),
    new Turns(),
  );
  await Promise.all([keptTables.load(), viewRegistry.load()]);
  const cache = new ResultCache(kept, reader, storageOptions, new KeptViews(kept, viewTables, storageOptions, log));
  const valueStore = new DocumentStore<Entry<StoredParameterTable>>(join(state, "parameter-tables"), log);
  const files = new ParameterValueFiles(join(state, "parameters"), log);
  const isTaken = async (name: string) =>
    viewRegistry.has(name) || (await native.tables()).some((table) => table.name === name);
  const readers = (name: string) =>
    viewRegistry.entries().flatMap(([view, { value }]) => (value.dependencies.includes(name) ? [view] : []));
  const parameterTables = new ParameterTables({
    native,
    store: valueStore,
    turns,
    sessions: open,
    files,
    isTaken,
    readers,
  });
  await parameterTables.registry.load();
  const breaches: QueriesParts["breaches"] = (sources, validation) => contracts.ofRead(sources, validation);
  const queries = new Queries({ sessions: open, kept, reader, cache, history, values: parameterTables, breaches });
  const reads = new TableReads({ native, tables, sessions: open, queries });
  const contractStore = new DocumentStore<Entry<SchemaContract>>(join(state, "contracts"), log);
  const modelStore = new DocumentStore<Entry<SemanticModel>>(join(state, "semantics"), log);
  const referrers = (name: string): string[] => [...semantics.referrers(name), ...views.referrers(name)];
  const contracts: Contracts = new Contracts({ native, store: contractStore, turns, reads, queries, referrers });
  const semantics: Semantics = new Semantics({ native, store: modelStore, turns, contracts, queries });
  await contracts.registry.load();
  await semantics.registry.load();
  await tables.restore();
  const views: Views = new Views({
    session: open.use(undefined),
    registry: viewRegistry,
    tables: viewTables,
    contracts,
    isTaken: (name) => parameterTables.registry.has(name),
  });
  const parts = ImmutableRegistry.from<RegistryKind, CatalogPart>([
    ["functions", functions],
    ["profiles", profiles],
    ["tables", tablePart(tables)],
    ["parameter_tables", parameterTables],
    ["views", views],
    ["contracts", contracts],
    ["semantics", semantics],
  ]);
  const catalog = new Catalog(parts, new DocumentStore(join(state, "journal"), log), log);
  await catalog.recover();
  let closed = false;
  return {
    tables,
    operations: new TableOperations(native, tables, open, contracts),
    sessions: open,
    queries,
    cache,
    contracts,
    parameterTables,
    semantics,
    schemas: new Schemas(),
    views,
    catalog,
    reads,
    gates: new Gates(reads),
    functions,
    profiles,
    revision: hashMsgpackCanonical,
    readiness: () => ({ ready: !closed, reasons: closed ? ["The service is shutting down."] : [] }),
    write: (write) => native.writeTable(write),
    close: () => {
      closed = true;
      tables.close();
      open.stop();
      queries.cancelAll();
    },
  };
}

function specOf({ sql, parameters, cache_policy }: StoredView): ViewSpec {
  return { sql, parameters, cache_policy };
}

function tablePart(tables: TableCatalog): CatalogPart {
  return {
    get size() {
      return tables.size;
    },
    fingerprint: () => tables.fingerprint(),
    definitions: () => tables.definitions(),
    backup: () => tables.backup(),
    put: (name, definition, condition) => tables.restoreEntry(name, definition, condition),
    remove: (name, condition) => tables.remove(name, condition),
  };
}
