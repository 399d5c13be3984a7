/** The engine as the API sees it: tables, sessions and queries over one Rust engine. */
import { join } from "node:path";
import type {
  EngineConfig,
  QueryFailure,
  Readiness,
  RegistryKind,
  TableWrite,
  WriteReport,
} from "../schemas/generated/index.js";
import { Admission, type AdmissionLimits } from "./admission.js";
import { everybody } from "./caller.js";
import { Catalog, type CatalogPart } from "./catalog.js";
import { Contracts } from "./contracts.js";
import { DocumentStore } from "./document-store.js";
import { configFingerprint } from "./fingerprint.js";
import { Functions } from "./functions.js";
import { Gates } from "./gates.js";
import { hashMsgpackCanonical } from "./hashing.js";
import { checkHost, unfitness } from "./host.js";
import { IncomingRowFiles } from "./incoming-row-files.js";
import { KeptResults } from "./kept-results.js";
import { KeptViews } from "./kept-views.js";
import type { Log } from "./log.js";
import { NativeEngine } from "./native.js";
import { ParameterTables } from "./parameter-tables.js";
import { ParameterValueFiles } from "./parameter-value-files.js";
import { DeltaMaterializer } from "./pipeline/delta-materializer.js";
import { FileMaterializer } from "./pipeline/file-materializer.js";
import { PipelineOutputs } from "./pipeline/pipeline-outputs.js";
import { qualityGates } from "./pipeline/quality-gates.js";
import { QueryGraphAdapter } from "./pipeline/query-graph-adapter.js";
import { spans } from "./pipeline/spans.js";
import { typeChecks } from "./pipeline/type-checks.js";
import { PipelineFiles } from "./pipeline-files.js";
import { PipelineRuns } from "./pipeline-runs.js";
import { Pipelines } from "./pipelines.js";
import { Profiles } from "./profiles.js";
import { Quarantine } from "./quarantine.js";
import { Queries, type QueriesParts } from "./queries.js";
import { type HistoryEntry, QueryHistory } from "./query-history.js";
import { QueryRecords } from "./query-records.js";
import { ImmutableRegistry } from "./registry.js";
import { ResultCache } from "./result-cache.js";
import { ResultReader } from "./result-reader.js";
import { type RunningWork, RunningWorkLog } from "./running-work.js";
import { Schemas } from "./schemas.js";
import { Semantics } from "./semantics.js";
import { SessionValues } from "./session-values.js";
import { Sessions } from "./sessions.js";
import { TableCatalog } from "./table-catalog.js";
import { TableOperations } from "./table-operations.js";
import { TableReads } from "./table-reads.js";
import { Turns } from "./turns.js";
import { ViewTables } from "./view-tables.js";
import { Views } from "./views.js";

export interface EngineOptions {
  readonly config: EngineConfig;
  /** The folder for what must survive a restart. */
  readonly state: string;
  /** Bytes that must be free on its disk. */
  readonly reserveBytes: number;
  /** How many entries each registry may have. */
  readonly entries: number;
  /** How many sessions may be open. */
  readonly sessions: number;
  /** How many ended queries are remembered. */
  readonly history: number;
  /** How many runs of pipelines are remembered. */
  readonly runs: number;
  readonly results: ResultOptions;
  readonly admission: AdmissionLimits;
  /** How the process before ended, where it was not told to. */
  readonly lost?: string;
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
  readonly queryRecords: QueryRecords;
  readonly cache: ResultCache;
  readonly quarantine: Quarantine;
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
  readonly pipelines: Pipelines;
  readonly runs: PipelineRuns;
  readonly pipelineFiles: PipelineFiles;
  /** A text that differs where two values do, for ETags. */
  revision(value: object): string;
  readiness(): Promise<Readiness>;
  /** Is ready no more, while what runs goes on. */
  drain(): void;
  /** Resolves when work can't be ended: the process is to be replaced then. */
  readonly stuck: Promise<void>;
  /** Commits rows to a Delta table; for the demo and the benchmarks. */
  write(write: TableWrite): Promise<WriteReport>;
  /** Cancels what runs and takes no more. */
  close(): void;
  /** Resolves when what ended is remembered. */
  saved(): Promise<void>;
}

export async function openEngine(options: EngineOptions, log: Log): Promise<Engine> {
  const { state } = options;
  const host = { state, warehouse: options.config.warehouse, reserveBytes: options.reserveBytes };
  await checkHost(host, log);
  const store = <T>(folder: string) => new DocumentStore<T>(join(state, folder), log);
  const registryStore = <T>(folder: string) => new DocumentStore<T>(join(state, folder), log, options.entries);
  const native = new NativeEngine(options.config);
  log.info({ config: configFingerprint(native) }, "the engine is open");
  const turns = new Turns();
  const isNamed = (name: string) => views.registry.has(name) || parameterTables.registry.has(name);
  const tables = new TableCatalog(native, registryStore("tables"), log, isNamed);
  const functions = new Functions(native, registryStore("functions"), turns, log, {
    texts: () => [...views.texts(), ...semantics.texts(), ...pipelines.texts()],
    replan: (names) => views.replan(names),
  });
  const profiles = new Profiles(native, registryStore("profiles"), turns);
  const sessions = new Sessions({ native, profiles, store: store("sessions"), log, limit: options.sessions });
  const { diskBytes, memoryBytes, ttlMs } = options.results;
  const kept = new KeptResults({ folder: join(state, "results"), limitBytes: diskBytes, ttlMs }, log);
  const history = new QueryHistory(store("queries"), options.history, log);
  const reader = new ResultReader(kept, sessions.use(undefined, everybody), memoryBytes);
  const storageOptions = (table: string) => tables.storageOptions(table);
  const viewTables = new ViewTables(native, reader, store("view-tables"), log);
  const keptViews = new KeptViews(kept, viewTables, storageOptions, log);
  const cache = new ResultCache(kept, reader, storageOptions, keptViews, sessions.use(undefined, everybody));
  const ofSessions = new SessionValues(store("session-values"));
  const parameterTables: ParameterTables = new ParameterTables({
    native,
    store: registryStore("parameter-tables"),
    turns,
    sessions,
    ofSessions,
    files: new ParameterValueFiles(join(state, "parameters"), log),
    isTaken: async (name) => views.registry.has(name) || (await native.tables()).some((table) => table.name === name),
    readers: (name) => views.readers(name),
  });
  const breaches: QueriesParts["breaches"] = (sources, validation) => contracts.ofRead(sources, validation);
  const running = new RunningWorkLog(join(state, "running.jsonl"), log);
  const quarantine = new Quarantine(store("quarantine"), log);
  const admission = new Admission(options.admission, { running, quarantine });
  const values = parameterTables;
  const queryRecords = new QueryRecords(history, kept);
  const queries = new Queries({ sessions, kept, reader, cache, records: queryRecords, values, breaches, admission });
  const reads = new TableReads({ native, tables, sessions, queries });
  const incomingRows = new IncomingRowFiles(native, join(state, "incoming"));
  const referrers = (name: string): string[] => [...semantics.referrers(name), ...views.referrers(name)];
  const contracts: Contracts = new Contracts({
    native,
    store: registryStore("contracts"),
    turns,
    reads,
    queries,
    files: incomingRows,
    log,
    referrers,
  });
  const views: Views = new Views({
    native,
    session: sessions.use(undefined, everybody),
    store: registryStore("views"),
    turns,
    tables: viewTables,
    contracts,
    isTaken: (name) => parameterTables.registry.has(name),
  });
  const semantics: Semantics = new Semantics({
    native,
    session: sessions.use(undefined, everybody),
    store: registryStore("semantics"),
    turns,
    contracts,
    queries,
  });
  const operations = new TableOperations(native, tables, sessions, contracts);
  const pipelines: Pipelines = new Pipelines({
    sessionOf: (caller) => sessions.use(undefined, caller),
    store: registryStore("pipelines"),
    turns,
    storageOptions,
    parameterTables,
    belowView: (name) => views.registry.get(name)?.value.dependencies,
    graphAdapter: new QueryGraphAdapter({ queries, kept, reader }),
    materializers: {
      table: new DeltaMaterializer(operations, tables),
      file: new FileMaterializer(reader, options.config.warehouse),
    },
    adapters: [spans, typeChecks, qualityGates],
    active: (name) => runs.active(name),
    removed: (name) => runs.forget(name),
  });
  const outputs = new PipelineOutputs(store("pipeline-outputs"));
  const runs: PipelineRuns = new PipelineRuns({
    store: store("pipeline-runs"),
    log,
    outputs,
    definition: (name) => pipelines.registry.entry(name).value.definition,
    build: (plan) => pipelines.driver(plan),
    limit: options.runs,
  });
  kept.load();
  await incomingRows.load();
  await functions.restore();
  const documents = [profiles, sessions, viewTables, ofSessions, outputs, runs];
  const registries = [parameterTables, contracts, views, semantics, pipelines].map(({ registry }) => registry);
  await Promise.all([...documents, ...registries].map((part) => part.load()));
  await quarantine.load();
  const interrupted = running.take();
  if (options.lost !== undefined) await quarantine.blame(interrupted, options.lost);
  await history.load(entriesOf(interrupted), interruption(options.lost));
  await tables.restore();
  const parts = ImmutableRegistry.from<RegistryKind, CatalogPart>([
    ["functions", functions],
    ["profiles", profiles],
    ["tables", tablePart(tables)],
    ["parameter_tables", parameterTables],
    ["contracts", contracts],
    ["views", views],
    ["semantics", semantics],
    ["pipelines", pipelines],
  ]);
  const catalog = new Catalog(parts, store("journal"), log);
  await catalog.recover();
  runs.resume();
  let draining = false;
  return {
    tables,
    operations,
    sessions,
    queries,
    queryRecords,
    cache,
    quarantine,
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
    pipelines,
    runs,
    pipelineFiles: new PipelineFiles(outputs, options.config.warehouse),
    revision: hashMsgpackCanonical,
    stuck: admission.stuck,
    readiness: async () => {
      const reasons = draining ? ["The service is shutting down."] : await unfitness(host);
      return { ready: reasons.length === 0, reasons };
    },
    drain: () => {
      draining = true;
    },
    write: (write) => native.writeTable(write),
    close: () => {
      draining = true;
      runs.close();
      tables.close();
      sessions.stop();
      queryRecords.cancelAll();
    },
    saved: () => history.saved(),
  };
}

function entriesOf(work: readonly RunningWork[]): HistoryEntry[] {
  return work.map(({ entry }) => entry).filter((entry) => entry !== undefined);
}

/** Why queries that ran have no result. */
function interruption(lost: string | undefined): QueryFailure {
  if (lost === undefined) {
    const message = "The service stopped while the query ran. Run it again.";
    return { kind: "generic", code: "service_unavailable", message };
  }
  const message = `The process that ran the query ended (${lost}) and was started again.`;
  return { kind: "generic", code: "engine_crashed", message };
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
