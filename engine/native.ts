/** The only import of the Rust addon: payloads cross as MessagePack, and a fault becomes an error here and nowhere else. */
import { createRequire } from "node:module";
import type * as addon from "../native/index.js";
import type {
  CachePolicy,
  ChangeRequest,
  ContractVerdict,
  DeltaFeatureGate,
  DeltaProtocolCompatibility,
  DeltaProtocolSnapshot,
  DeltaProtocolSupport,
  DeltaSnapshotInfo,
  EngineConfig,
  EngineSupport,
  EntryCheck,
  ErrorCode,
  ErrorKind,
  ExplainRequest,
  Explanation,
  FieldSpec,
  FilePage,
  FileRequest,
  FunctionInfo,
  GateVerdict,
  HistoryPage,
  HistoryRequest,
  KeptRelation,
  KeyedMerge,
  MacroRegistration,
  MergeKeys,
  NodePlanning,
  NodePlans,
  NodeReading,
  NodeStatements,
  OperationContext,
  ParameterTable,
  ProvidedRelations,
  QueryDefaults,
  QueryHead,
  QueryIdentity,
  QueryRequest,
  QuerySummary,
  RelationShape,
  ResultFormat,
  ResultTarget,
  RowCheck,
  SchemaContract,
  SchemaValidation,
  SemanticModel,
  SemanticQuery,
  SemanticStatement,
  SessionCache,
  SessionProfile,
  SessionTerms,
  StoredQuery,
  StoredResult,
  TableDescription,
  TableEntry,
  TableSchema,
  TableSchemaSpec,
  TableSelection,
  TableSpec,
  TableWrite,
  ViewPlan,
  ViewSpec,
  WriteReport,
} from "../schemas/generated/index.js";
import { decode, encode } from "./codec.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { deltaFeatureGatePayload } from "./delta-feature-gate-payload.js";
import type { FingerprintableConfig } from "./fingerprint.js";

const native = createRequire(import.meta.url)("#addon") as typeof addon;

export interface StartedQuery {
  readonly head: QueryHead;
  readonly chunk: Buffer;
  /** Whether `chunk` is the whole body. */
  readonly complete: boolean;
}

/** What the engine knows to do with a table. */
export type TableOperation =
  | "write"
  | "create"
  | "convert"
  | "delete"
  | "update"
  | "merge"
  | "optimize"
  | "parameter_values"
  | "vacuum"
  | "restore"
  | "set_properties"
  | "add_features"
  | "add_constraints"
  | "drop_constraints"
  | "incoming_rows"
  | "checkpoint"
  | "cleanup_metadata"
  | "data_check";

/** The formats that rows come in. */
export type RowFormat = Exclude<ResultFormat, "msgpack">;

export class NativeEngine implements FingerprintableConfig {
  readonly #engine: addon.Engine;
  readonly #config: EngineConfig;

  constructor(config: EngineConfig) {
    this.#config = config;
    this.#engine = cross(() => native.Engine.open(encode(config)));
  }

  fingerprintPayload(): Record<string, unknown> {
    return { locations: [], s3_endpoints: [], ...this.#config };
  }

  /** A session that is held to the terms of a caller, whose `rights` tell them apart. */
  openSession(
    profile: SessionProfile,
    gate?: DeltaFeatureGate | null,
    { terms, rights }: SessionHolder = unheld,
  ): NativeSession {
    const payload = deltaFeatureGatePayload(gate);
    const session = cross(() =>
      this.#engine.openSession(encode(profile), payload ? encode(payload) : undefined, encode(terms)),
    );
    return new NativeSession(session, { terms, rights });
  }

  async attachTable(name: string, spec: TableSpec): Promise<TableDescription> {
    return decode(
      await crossAsync(() =>
        this.#engine.attachTable(name, encode({ ...spec, gate: deltaFeatureGatePayload(spec.gate) })),
      ),
    );
  }

  detachTable(name: string): boolean {
    return cross(() => this.#engine.detachTable(name));
  }

  /** Deletes a table with its files, where it still is at `version`. */
  async purgeTable(name: string, version?: number): Promise<void> {
    await crossAsync(() => this.#engine.purgeTable(name, version));
  }

  /** Has statements read the view by its name, in place of one before. */
  attachView(name: string, spec: ViewSpec): void {
    cross(() => this.#engine.attachView(name, encode(spec)));
  }

  detachView(name: string): boolean {
    return cross(() => this.#engine.detachView(name));
  }

  async tables(): Promise<TableEntry[]> {
    return decode(await crossAsync(() => this.#engine.tables()));
  }

  async describeTable(name: string, selection: TableSelection): Promise<TableDescription> {
    return decode(await crossAsync(() => this.#engine.describeTable(name, encode(selection))));
  }

  async tableSnapshot(name: string, selection: TableSelection): Promise<DeltaSnapshotInfo> {
    return decode(await crossAsync(() => this.#engine.tableSnapshot(name, encode(selection))));
  }

  async tableSchema(name: string, selection: TableSelection): Promise<TableSchema> {
    return decode(await crossAsync(() => this.#engine.tableSchema(name, encode(selection))));
  }

  async tableHistory(name: string, request: HistoryRequest): Promise<HistoryPage> {
    return decode(await crossAsync(() => this.#engine.tableHistory(name, encode(request))));
  }

  /** Everything that is wrong with a contract. */
  checkContract(contract: SchemaContract): EntryCheck {
    return decode(cross(() => this.#engine.checkContract(encode(contract))));
  }

  /** Everything that is wrong with a semantic model. */
  checkSemanticModel(model: SemanticModel): EntryCheck {
    return decode(cross(() => this.#engine.checkSemanticModel(encode(model))));
  }

  /** The statement that answers what a semantic model is asked for. */
  semanticStatement(model: SemanticModel, query: SemanticQuery): SemanticStatement {
    return decode(cross(() => this.#engine.semanticStatement(encode(model), encode(query))));
  }

  async writeTable(write: TableWrite): Promise<WriteReport> {
    return decode(await crossAsync(() => this.#engine.writeTable(encode(write))));
  }

  /** The built-in functions, by name. */
  builtInFunctions(): FunctionInfo[] {
    return decode(cross(() => this.#engine.builtInFunctions()));
  }

  /** Adds macros, all or none; answers what they are. */
  async defineMacros(macros: readonly MacroRegistration[]): Promise<FunctionInfo[]> {
    return decode(await crossAsync(() => this.#engine.defineMacros(encode({ macros }))));
  }

  /** Whether SQL, a statement or an expression, calls a macro. */
  callsMacro(sql: string, name: string): boolean {
    return cross(() => this.#engine.callsMacro(sql, name));
  }

  dropMacro(name: string): void {
    cross(() => this.#engine.dropMacro(name));
  }

  /** Runs a table operation on its request; answers its report. */
  async operate<Report>(operation: TableOperation, request: object, context: OperationContext): Promise<Report> {
    return decode(await crossAsync(() => this.#engine.operate(operation, encode(request), encode(context))));
  }

  /** Runs a table operation on rows that are all there; answers its report. */
  async operateRows<Report>(
    operation: TableOperation,
    request: object,
    context: OperationContext,
    { format, pieces }: { readonly format: RowFormat; readonly pieces: Buffer[] },
  ): Promise<Report> {
    const run = () => this.#engine.operateRows(operation, encode(request), encode(context), format, pieces);
    return decode(await crossAsync(run));
  }

  /** Starts a table operation whose rows follow. */
  ingest(operation: TableOperation, request: object, context: OperationContext, format: RowFormat): NativeIngest {
    return new NativeIngest(cross(() => this.#engine.ingest(operation, encode(request), encode(context), format)));
  }
}

export class NativeIngest {
  readonly #ingest: addon.Ingest;

  constructor(ingest: addon.Ingest) {
    this.#ingest = ingest;
  }

  /** Takes the next bytes; resolves when more may come. */
  async write(chunk: Uint8Array): Promise<void> {
    await crossAsync(() => this.#ingest.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)));
  }

  /** Takes kept rows. */
  async writeKept(relation: KeptRelation): Promise<void> {
    await crossAsync(() => this.#ingest.writeKept(encode(relation)));
  }

  /** Commits what was written; answers the report. */
  async finish<Report>(): Promise<Report> {
    return decode(await crossAsync(() => this.#ingest.finish()));
  }

  /** Commits nothing; repeatable, and harmless after the end. */
  cancel(): void {
    this.#ingest.cancel();
  }
}

/** Whom a session runs for. */
export interface SessionHolder {
  readonly terms: SessionTerms;
  /** Equal where terms are. */
  readonly rights: string;
}

const unheld: SessionHolder = { terms: {}, rights: "" };

export class NativeSession implements FingerprintableConfig {
  readonly holder: SessionHolder;
  readonly #session: addon.Session;
  #defaults: QueryDefaults | undefined;
  #cachePolicy: CachePolicy | undefined;
  #schemaValidation: SchemaValidation | undefined;

  constructor(session: addon.Session, holder: SessionHolder) {
    this.#session = session;
    this.holder = holder;
  }

  fingerprintPayload(): Record<string, unknown> {
    return { ...this.effectiveProfile() };
  }

  /** What holds for queries that leave it open. */
  get defaults(): QueryDefaults {
    this.#defaults ??= this.effectiveProfile().defaults ?? {};
    return this.#defaults;
  }

  /** What queries ask of the result cache besides what their requests do. */
  get cachePolicy(): CachePolicy {
    this.#cachePolicy ??= cachePolicyOf(this.effectiveProfile().cache);
    return this.#cachePolicy;
  }

  /** What becomes of schemas and rows that break a contract. */
  get schemaValidation(): SchemaValidation {
    this.#schemaValidation ??= this.effectiveProfile().schema_validation ?? "enforce";
    return this.#schemaValidation;
  }

  effectiveProfile(): SessionProfile {
    return decode(cross(() => this.#session.effectiveProfile()));
  }

  query(format: ResultFormat, request: QueryRequest): NativeQuery {
    return new NativeQuery(cross(() => this.#session.query(format, encode(request))));
  }

  changes(format: ResultFormat, request: ChangeRequest): NativeQuery {
    return new NativeQuery(cross(() => this.#session.changes(format, encode(request))));
  }

  stored(format: ResultFormat, request: StoredQuery): NativeQuery {
    return new NativeQuery(cross(() => this.#session.stored(format, encode(request))));
  }

  async tableFiles(name: string, request: FileRequest): Promise<FilePage> {
    return decode(await crossAsync(() => this.#session.tableFiles(name, encode(request))));
  }

  /** Plans a view as it would be registered, and the views that read it over that; refuses what can't be planned. */
  async planView(name: string, spec: ViewSpec, dependents: string[]): Promise<ViewPlan> {
    return decode(await crossAsync(() => this.#session.planView(name, encode(spec), dependents)));
  }

  /** The statements of nodes of a pipeline, and what they name. */
  async readNodes(reading: NodeReading): Promise<NodeStatements> {
    return decode(await crossAsync(() => this.#session.readNodes(encode(reading))));
  }

  /** Plans nodes of a pipeline, each after those that it reads. */
  async planNodes(planning: NodePlanning): Promise<NodePlans> {
    return decode(await crossAsync(() => this.#session.planNodes(encode(planning))));
  }

  /** Plans a statement, with rows in the place of relations. */
  async explain(request: ExplainRequest, provided: ProvidedRelations): Promise<Explanation> {
    return decode(await crossAsync(() => this.#session.explain(encode(request), encode(provided))));
  }
}

function cachePolicyOf({ use, max_age_seconds }: SessionCache = {}): CachePolicy {
  return {
    ...(use === "bypass" && { no_store: true }),
    ...(use === "refresh" && { no_cache: true }),
    ...(max_age_seconds !== undefined && { max_age_seconds }),
  };
}

/** Where work that may be long is given room. */
export interface Room {
  /** Whether it is known to be over soon. */
  readonly isQuick: boolean;
  makeRoom(): Promise<void>;
  /** Leaves it to others while the work waits for other work. */
  stepAside(): void;
  comeBack(): Promise<void>;
}

export class NativeQuery {
  readonly #query: addon.Query;
  /** Resolves when the query has ended in any way. */
  readonly ended: Promise<void>;
  #end: () => void = () => undefined;
  #target: ResultTarget | undefined;
  #isCanceled = false;
  #room: Room | undefined;
  /** Once it has succeeded. */
  #final: QuerySummary | undefined;

  constructor(query: addon.Query) {
    this.#query = query;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Opens and resolves the statement, before it is started. */
  async identify(): Promise<{ identity: QueryIdentity; freshness: NativeFreshness }> {
    const { identity, freshness } = await this.#watched(() => this.#query.identify());
    return { identity: decode(identity), freshness: new NativeFreshness(freshness) };
  }

  /** Puts rows in the place of relations of the statement: those of the request before it is identified, those of kept
   * views after it. */
  async provide(relations: ProvidedRelations): Promise<void> {
    await this.#watched(() => this.#query.provide(encode(relations)));
  }

  /** Keeps the result besides sending it; false when its rows are on their way already. */
  keep(target: ResultTarget): boolean {
    const isKept = cross(() => this.#query.keep(encode(target)));
    if (isKept) this.#target = target;
    return isKept;
  }

  /** Where the result is kept; undefined where it isn't. */
  get target(): ResultTarget | undefined {
    return this.#target;
  }

  /** Has it run where the room is given to it. */
  admitted(room: Room): void {
    this.#room = room;
  }

  /** Resolves when the first bytes of the encoded result are there. */
  async start(): Promise<StartedQuery> {
    const room = this.#room;
    const onlyLight = room !== undefined && !room.isQuick;
    let started = await this.#watched(() => this.#query.start(onlyLight));
    if (started === null) {
      await room?.makeRoom();
      started = await this.#watched(() => this.#query.start(false));
    }
    if (started === null) throw new DataFusionEngineError("A query waits for nothing.", { code: "internal" });
    const { chunk, complete } = started;
    const summary = decode<QuerySummary>(started.summary);
    const { schema, tables } = summary;
    if (schema === undefined) throw new DataFusionEngineError("A query without a schema.", { code: "internal" });
    if (complete) this.#succeed(summary);
    return { head: { schema, tables }, chunk, complete };
  }

  /** The bytes that follow; null when there are no more. */
  async next(): Promise<Buffer | null> {
    const chunk = await this.#watched(() => this.#query.next());
    if (chunk === null) this.#succeed();
    return chunk;
  }

  /** Waits for the end without taking the bytes. */
  async drain(): Promise<void> {
    await this.#watched(() => this.#query.drain());
    this.#succeed();
  }

  summary(): QuerySummary {
    return this.#final ?? decode(cross(() => this.#query.summary()));
  }

  cancel(): void {
    this.#isCanceled = true;
    this.#query.cancel();
    this.#end();
  }

  /** Resolves when there is room for work that may be long. */
  async makeRoom(): Promise<void> {
    await this.#room?.makeRoom();
  }

  /** Leaves its room to others while it waits for other work. */
  stepAside(): void {
    this.#room?.stepAside();
  }

  /** Resolves when there is room for it again. */
  async comeBack(): Promise<void> {
    await this.#room?.comeBack();
  }

  get isCanceled(): boolean {
    return this.#isCanceled;
  }

  /** Resolves when the work of a query that has ended has let go of its thread. */
  rested(): Promise<void> {
    return this.#query.rested();
  }

  get hasSucceeded(): boolean {
    return this.#final !== undefined;
  }

  #succeed(summary = this.summary()): void {
    this.#final = summary;
    this.#end();
  }

  async #watched<T>(step: () => Promise<T | addon.Fault>): Promise<T> {
    try {
      return await crossAsync(step);
    } catch (error) {
      this.#end();
      throw error;
    }
  }
}

/** The tables of a query as it found them. */
export class NativeFreshness {
  readonly #freshness: addon.Freshness;
  #seen: boolean | Promise<boolean> | undefined;

  constructor(freshness: addon.Freshness) {
    this.#freshness = freshness;
  }

  /** Whether they still are; at once, unless a table has to be asked over a network. One look serves all who ask in the
   * same turn of the event loop: what they ask for came in before it. */
  isFresh(): boolean | Promise<boolean> {
    if (this.#seen === undefined) {
      this.#seen = this.#freshness.now() ?? crossAsync(() => this.#freshness.check());
      setImmediate(() => {
        this.#seen = undefined;
      });
    }
    return this.#seen;
  }
}

/** A kept result, open to be read. */
export class NativeStoredResult {
  readonly description: StoredResult;
  readonly #result: addon.StoredResult;

  private constructor(result: addon.StoredResult) {
    this.#result = result;
    this.description = decode(cross(() => result.describe()));
  }

  /** With `verify` all of it is checked first. */
  static async open(path: string, key: string, verify: boolean): Promise<NativeStoredResult> {
    return new NativeStoredResult(await crossAsync(() => native.StoredResult.open(path, key, verify)));
  }

  /** Bytes of the body from `start` on, `length` at most and often fewer; none at its end. */
  read(start: number, length: number): Promise<Buffer> {
    return crossAsync(() => this.#result.read(start, length));
  }
}

/** Whether a protocol passes a gate, with every rule that it breaks; the one place where gates are judged. */
/** Refuses a body that is too deep or has too many values; else whether it has numbers that a double would bend. */
export function bodyHasWideNumbers(body: Buffer, isJson: boolean, mostValues: number): Promise<boolean> {
  return crossAsync(() => native.bodyHasWideNumbers(body, isJson, mostValues));
}

export function validateProtocolGate(
  snapshot: DeltaProtocolSnapshot,
  gate: DeltaFeatureGate | null | undefined,
): GateVerdict {
  const payload = encode(deltaFeatureGatePayload(gate) ?? {});
  return decode(cross(() => native.validateProtocolGate(encode(snapshot), payload)));
}

/** Whether a support covers a protocol. */
export function protocolCompatibility(
  snapshot: DeltaProtocolSnapshot,
  support: DeltaProtocolSupport,
): DeltaProtocolCompatibility {
  return decode(cross(() => native.protocolCompatibility(encode(snapshot), encode(support))));
}

/** What this engine covers. */
export function engineSupport(): EngineSupport {
  return decode(cross(() => native.engineSupport()));
}

/** In what a relation differs from a contract, and how its rows are looked at where they are to be. */
export function contractVerdict(contract: SchemaContract, shape: RelationShape, rows?: RowCheck): ContractVerdict {
  return decode(cross(() => native.contractVerdict(encode(contract), encode(shape), rows && encode(rows))));
}

/** Those of the names that fit one of the patterns; refuses what is no pattern. */
export function visibleNames(patterns: readonly string[], names: readonly string[]): string[] {
  return decode(cross(() => native.visibleNames([...patterns], [...names])));
}

/** Everything that is wrong with a parameter table. */
export function checkParameterTable(table: ParameterTable): EntryCheck {
  return decode(cross(() => native.checkParameterTable(encode(table))));
}

/** What a merge does with rows that keys tell apart. */
export function keyedMerge(keys: MergeKeys): KeyedMerge {
  return decode(cross(() => native.keyedMerge(encode(keys))));
}

/** The statement that stands for a parameter table without values. */
export function emptyParameterStatement(table: ParameterTable): string {
  return cross(() => native.emptyParameterStatement(encode(table)));
}

/** The Arrow field of a spec, alone in the schema of an Arrow IPC stream. */
export function toArrowField(spec: FieldSpec): Buffer {
  return cross(() => native.toArrowField(encode(spec)));
}

/** The spec of the one field in the schema of an Arrow IPC stream. */
export function fromArrowField(field: Buffer): FieldSpec {
  return decode(cross(() => native.fromArrowField(field)));
}

/** The Arrow schema of a spec, as an Arrow IPC stream; refuses a spec that contradicts itself. */
export function toArrowSchema(spec: TableSchemaSpec): Buffer {
  return cross(() => native.toArrowSchema(encode(spec)));
}

export function fromArrowSchema(name: string, schema: Buffer): TableSchemaSpec {
  return decode(cross(() => native.fromArrowSchema(name, schema)));
}

function cross<T>(call: () => T | addon.Fault): T {
  try {
    return unwrap(call());
  } catch (error) {
    throw engineError(error);
  }
}

async function crossAsync<T>(call: () => Promise<T | addon.Fault>): Promise<T> {
  try {
    return unwrap(await call());
  } catch (error) {
    throw engineError(error);
  }
}

function unwrap<T>(value: T | addon.Fault): T {
  if (!isFault(value)) return value;
  const { kind, code, message, line, column } = value;
  const details = value.details && decode<Record<string, unknown> | null>(value.details);
  throw new DataFusionEngineError(message, {
    kind: kind as ErrorKind,
    code: code as ErrorCode,
    ...(line !== undefined && column !== undefined && { location: { line, column } }),
    ...(details && Object.keys(details).length > 0 && { details }),
  });
}

function isFault(value: unknown): value is addon.Fault {
  return value !== null && typeof value === "object" && (value as { fault?: unknown }).fault === true;
}

function engineError(error: unknown): DataFusionEngineError {
  if (error instanceof DataFusionEngineError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new DataFusionEngineError(message, { code: "internal", cause: error });
}
