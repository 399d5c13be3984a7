/** The addon's surface, as native/binding/src makes it; every Buffer is MessagePack in a shape of schemas/. */

/** What went wrong, in place of the value. */
export interface Fault {
  fault: true;
  kind: string;
  code: string;
  message: string;
  line?: number;
  column?: number;
  details?: Buffer;
}

export interface Started {
  summary: Buffer;
  chunk: Buffer;
  /** Whether the chunk is the whole body. */
  complete: boolean;
}

/** Refuses a body of JSON or MessagePack that is too deep or has too many values; else whether it has numbers beyond 2^53. */
export declare function bodyHasWideNumbers(body: Buffer, isJson: boolean, mostValues: number): Promise<boolean | Fault>;
export declare function validateProtocolGate(snapshot: Buffer, gate: Buffer): Buffer | Fault;
export declare function protocolCompatibility(snapshot: Buffer, support: Buffer): Buffer | Fault;
export declare function engineSupport(): Buffer | Fault;
/** Holds a RelationShape to a SchemaContract, and plans a RowCheck where one is given; answers a ContractVerdict. */
export declare function contractVerdict(contract: Buffer, shape: Buffer, rows?: Buffer): Buffer | Fault;
/** Those of the names that fit one of the patterns, as string[]. */
export declare function visibleNames(patterns: string[], names: string[]): Buffer | Fault;
/** The EntryCheck of a ParameterTable. */
export declare function checkParameterTable(table: Buffer): Buffer | Fault;
/** The KeyedMerge of MergeKeys. */
export declare function keyedMerge(keys: Buffer): Buffer | Fault;
/** The statement that stands for a ParameterTable without values. */
export declare function emptyParameterStatement(table: Buffer): string | Fault;
/** The field of a FieldSpec: an Arrow IPC stream whose schema has it alone. */
export declare function toArrowField(spec: Buffer): Buffer | Fault;
export declare function fromArrowField(field: Buffer): Buffer | Fault;
/** The schema of a TableSchemaSpec, as an Arrow IPC stream. */
export declare function toArrowSchema(spec: Buffer): Buffer | Fault;
export declare function fromArrowSchema(name: string, schema: Buffer): Buffer | Fault;

export declare class Engine {
  static open(config: Buffer): Engine | Fault;
  /** A session of a SessionProfile, with a DeltaFeatureGate, held to SessionTerms. */
  openSession(profile: Buffer, gate?: Buffer, terms?: Buffer): Session | Fault;
  attachTable(name: string, spec: Buffer): Promise<Buffer | Fault>;
  detachTable(name: string): boolean;
  purgeTable(name: string, version?: number): Promise<null | Fault>;
  attachView(name: string, spec: Buffer): boolean | Fault;
  detachView(name: string): boolean;
  tables(): Promise<Buffer | Fault>;
  describeTable(name: string, selection: Buffer): Promise<Buffer | Fault>;
  tableSnapshot(name: string, selection: Buffer): Promise<Buffer | Fault>;
  tableSchema(name: string, selection: Buffer): Promise<Buffer | Fault>;
  tableHistory(name: string, request: Buffer): Promise<Buffer | Fault>;
  /** The EntryCheck of a SchemaContract. */
  checkContract(contract: Buffer): Buffer | Fault;
  /** The EntryCheck of a SemanticModel. */
  checkSemanticModel(model: Buffer): Buffer | Fault;
  /** The SemanticStatement that answers a SemanticQuery of a SemanticModel. */
  semanticStatement(model: Buffer, query: Buffer): Buffer | Fault;
  writeTable(request: Buffer): Promise<Buffer | Fault>;
  /** FunctionInfo[]. */
  builtInFunctions(): Buffer | Fault;
  /** Adds the macros of MacroRegistrations; answers FunctionInfo[]. */
  defineMacros(registrations: Buffer): Promise<Buffer | Fault>;
  /** Whether a statement or an expression calls a macro. */
  callsMacro(sql: string, name: string): boolean;
  dropMacro(name: string): void | Fault;
  /** Runs a table operation on its request, in an OperationContext; answers its report. */
  operate(operation: string, request: Buffer, context: Buffer): Promise<Buffer | Fault>;
  /** Starts a table operation whose rows follow as bytes of the format. */
  ingest(operation: string, request: Buffer, context: Buffer, format: string): Ingest;
  /** As `ingest`, of rows that are all there, in pieces: answers the report. */
  operateRows(
    operation: string,
    request: Buffer,
    context: Buffer,
    format: string,
    rows: Buffer[],
  ): Promise<Buffer | Fault>;
}

export declare class Ingest {
  /** Takes the next bytes; resolves when more may come. */
  write(chunk: Buffer): Promise<null | Fault>;
  /** Takes the rows of a KeptRelation. */
  writeKept(relation: Buffer): Promise<null | Fault>;
  /** All bytes are there: commits, and answers the report. */
  finish(): Promise<Buffer | Fault>;
  /** Commits nothing; repeatable, and harmless after the end. */
  cancel(): void;
}

export declare class Session {
  effectiveProfile(): Buffer | Fault;
  query(format: string, request: Buffer): Query;
  changes(format: string, request: Buffer): Query;
  stored(format: string, request: Buffer): Query;
  planView(name: string, spec: Buffer, dependents: string[]): Promise<Buffer | Fault>;
  /** Reads the statements of a NodeReading; answers NodeStatements. */
  readNodes(reading: Buffer): Promise<Buffer | Fault>;
  /** Plans the nodes of a NodePlanning; answers NodePlans. */
  planNodes(planning: Buffer): Promise<Buffer | Fault>;
  tableFiles(name: string, request: Buffer): Promise<Buffer | Fault>;
  /** The Explanation of an ExplainRequest, with ProvidedRelations in the place of relations. */
  explain(request: Buffer, provided: Buffer): Promise<Buffer | Fault>;
}

export interface Identified {
  identity: Buffer;
  freshness: Freshness;
}

export declare class Freshness {
  /** What is known at once; null where a table has to be asked. */
  now(): boolean | null;
  check(): Promise<boolean | Fault>;
}

export declare class StoredResult {
  static open(path: string, key: string, verify: boolean): Promise<StoredResult | Fault>;
  describe(): Buffer | Fault;
  /** Bytes of the body from `start` on, `length` at most and often fewer; none at its end. */
  read(start: number, length: number): Promise<Buffer | Fault>;
}

export declare class Query {
  /** Opens and resolves the statement, before `start`. */
  identify(): Promise<Identified | Fault>;
  /** Puts rows in the place of relations of the statement. */
  provide(relations: Buffer): Promise<null | Fault>;
  /** Keeps the result besides sending it; false when its rows are on their way already. */
  keep(target: Buffer): boolean | Fault;
  /** Waits for the end of a query whose bytes nobody takes; after `start`. */
  drain(): Promise<null | Fault>;
  /** Plans and runs; with `onlyLight` null instead where the plan isn't over soon: it then waits for another start. */
  start(onlyLight: boolean): Promise<Started | null | Fault>;
  /** Resolves when the work of a query that has ended has let go of its thread. */
  rested(): Promise<void>;
  next(): Promise<Buffer | null | Fault>;
  summary(): Buffer | Fault;
  cancel(): void;
}
