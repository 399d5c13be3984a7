/** Operations on tables: each makes a commit, exactly once where the client names it, and says what it did. */
import type {
  ConvertBody,
  DeltaMutationReport,
  DeltaTableRef,
  DeltaWriteRequest,
  KeptRelation,
  MergeBody,
  OperationContext,
  RowsMerge,
  TableCreation,
} from "../schemas/generated/index.js";
import { type Caller, everybody } from "./caller.js";
import type { Condition } from "./condition.js";
import type { Contracts } from "./contracts.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { fill, fillKept, type IncomingRows } from "./fill.js";
import { hashMsgpackCanonical, hashText } from "./hashing.js";
import type { NativeEngine, TableOperation } from "./native.js";
import type { Sessions } from "./sessions.js";
import type { DescribedTable, TableCatalog } from "./table-catalog.js";

/** What an operation keeps to besides its request. */
export interface OperationTerms {
  /** Who asks for it. */
  readonly caller: Caller;
  /** The table must be at one of these revisions; at any when absent. */
  readonly revisions?: readonly string[] | undefined;
  /** The client's name of the operation, by which a repeat is known. */
  readonly idempotencyKey?: string | undefined;
  /** The session whose gate applies, besides those of the request and of the registration. */
  readonly sessionId?: string | undefined;
}

export interface OperationOutcome<Report> {
  readonly report: Report;
  /** Of the table after the operation. */
  readonly revision: string;
}

type Outcome = OperationOutcome<DeltaMutationReport>;

export interface Merge {
  readonly body: unknown;
  readonly request: RowsMerge | undefined;
  readonly rows: IncomingRows | undefined;
}

/** How kept rows are written. */
export interface KeptWrite {
  readonly operation: "write" | "merge";
  readonly body: Omit<DeltaWriteRequest, "table"> | RowsMerge;
  /** The write that makes the table. */
  readonly made: Omit<DeltaWriteRequest, "table">;
}

export interface KeptTerms {
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

/** Where a table is made, when not in its folder of the warehouse. */
interface Place {
  readonly uri?: string | undefined;
  readonly storage_options?: Record<string, string> | undefined;
}

export class TableOperations {
  readonly #native: NativeEngine;
  readonly #catalog: TableCatalog;
  readonly #sessions: Sessions;
  readonly #contracts: Contracts;

  constructor(native: NativeEngine, catalog: TableCatalog, sessions: Sessions, contracts: Contracts) {
    this.#native = native;
    this.#catalog = catalog;
    this.#sessions = sessions;
    this.#contracts = contracts;
  }

  /** Runs an operation on a served table. */
  async run<Report extends { version: number }>(
    operation: TableOperation,
    name: string,
    body: object,
    terms: OperationTerms,
  ): Promise<OperationOutcome<Report>> {
    await this.#catalog.attached(name);
    const request = { ...body, table: { name } };
    const context = await this.#context(name, { operation, request }, terms);
    return this.#outcome(name, await this.#native.operate<Report>(operation, request, context));
  }

  /** Writes rows to a table, or makes one of the warehouse out of them. */
  async write(
    name: string,
    body: Omit<DeltaWriteRequest, "table">,
    rows: IncomingRows,
    terms: OperationTerms,
  ): Promise<Outcome> {
    const creates = body.mode === "create";
    if (creates) this.#catalog.refuseRegistered(name);
    else await this.#catalog.attached(name);
    return this.#ingest("write", name, { ...body, table: creates ? tableAt(name) : { name } }, rows, terms);
  }

  /** Merges from the source that the body names, or the rows of the body as `request` says. */
  async merge(name: string, { body, request, rows }: Merge, terms: OperationTerms): Promise<Outcome> {
    if (rows === undefined && request === undefined) return this.run("merge", name, body as MergeBody, terms);
    if (rows === undefined || request === undefined) throw mergeHalfSaid();
    await this.#catalog.attached(name);
    return this.#ingest("merge", name, { ...request, table: { name } }, rows, terms);
  }

  /** Writes kept rows once, however often it is asked to by one key; makes the table where there is none. */
  async writeKept(name: string, write: KeptWrite, rows: KeptRelation, terms: KeptTerms): Promise<DeltaMutationReport> {
    const making = { operation: "write" as const, body: write.made };
    const [way, other] = (await this.#catalog.isServed(name)) ? [write, making] : [making, write];
    try {
      return await this.#ingestKept(name, way, rows, terms);
    } catch (error) {
      // Another writer has made the table meanwhile, or whoever began to make it was killed before its first commit.
      const reason = way === making ? "table_exists" : "table_unreadable";
      if (!(error instanceof DataFusionEngineError) || error.code !== reason) throw error;
      return this.#ingestKept(name, other, rows, terms);
    }
  }

  async #ingestKept(
    name: string,
    { operation, body }: Pick<KeptWrite, "operation" | "body">,
    rows: KeptRelation,
    { idempotencyKey, signal }: KeptTerms,
  ): Promise<DeltaMutationReport> {
    const isNew = "mode" in body && body.mode === "create";
    if (isNew) this.#catalog.refuseRegistered(name);
    else await this.#catalog.attached(name);
    // Whether it makes the table or not: what is asked for is the same.
    const terms = { caller: everybody, idempotencyKey };
    // Rows of this run may have no nulls where those of the next one do.
    const context = { ...(await this.#context(name, { idempotencyKey }, terms)), takes_nulls: true };
    const request = { ...body, table: isNew ? tableAt(name) : { name } };
    return fillKept<DeltaMutationReport>(this.#native.ingest(operation, request, context, "arrow"), rows, signal);
  }

  /** Makes an empty table and serves it; a repeat that names itself finds what the first one made. */
  async create(
    name: string,
    { uri, storage_options, ...body }: TableCreation,
    condition: Condition,
    terms: OperationTerms,
  ): Promise<DescribedTable & { created: boolean }> {
    if (terms.idempotencyKey === undefined) await this.#catalog.refuseTaken(name, condition);
    else this.#catalog.refuseRegistered(name, uri);
    const { warnings = [] } = await this.#make("create", name, body, { uri, storage_options }, terms);
    const { description, revision } = await this.#catalog.describe(name);
    return { description: { ...description, ...(warnings.length > 0 && { warnings }) }, revision, created: true };
  }

  /** Makes a table out of a folder of Parquet files and serves it. */
  async convert(name: string, { uri, storage_options, ...body }: ConvertBody, terms: OperationTerms): Promise<Outcome> {
    this.#catalog.refuseRegistered(name);
    return this.#outcome(name, await this.#make("convert", name, body, { uri, storage_options }, terms));
  }

  async #make(
    operation: "create" | "convert",
    name: string,
    body: object,
    place: Place,
    terms: OperationTerms,
  ): Promise<DeltaMutationReport> {
    const request = { ...body, table: tableAt(name, place) };
    const context = await this.#context(name, { operation, body, uri: place.uri ?? null }, terms);
    const report = await this.#native.operate<DeltaMutationReport>(operation, request, context);
    const { uri, storage_options = {} } = place;
    if (uri !== undefined) await this.#catalog.put(name, { uri, storage_options }, () => true);
    return report;
  }

  async #ingest(
    operation: "write" | "merge",
    name: string,
    request: object,
    rows: IncomingRows,
    terms: OperationTerms,
  ): Promise<Outcome> {
    const context = await this.#context(name, { operation, request, format: rows.format }, terms);
    const report = await fill<DeltaMutationReport>(this.#native, { operation, request, context }, rows);
    return this.#outcome(name, report);
  }

  async #context(name: string, asked: object, terms: OperationTerms): Promise<OperationContext> {
    const { caller, revisions, idempotencyKey, sessionId } = terms;
    const session = this.#sessions.terms(sessionId, caller);
    const { schemaValidation } = this.#sessions.use(sessionId, caller);
    const expected = revisions && { expected_version: await this.#catalog.versionAmong(name, revisions) };
    const idempotency = idempotencyKey !== undefined && {
      idempotency: { key: keyOf(idempotencyKey, caller), fingerprint: hashMsgpackCanonical(asked) },
    };
    const contracts = this.#contracts.ofTable(name, schemaValidation);
    return { ...expected, ...idempotency, ...session, contracts, visible: sourcesOf(caller) };
  }

  #outcome<Report extends { version: number }>(name: string, report: Report): OperationOutcome<Report> {
    return { report, revision: this.#catalog.revisionAt(name, report.version) };
  }
}

/** The keys of one caller mean nothing of another. */
function keyOf(idempotencyKey: string, { id }: Caller): string {
  return hashText(id === everybody.id ? idempotencyKey : `${id}\n${idempotencyKey}`);
}

/** The relations that rows may come from: none for those who may not read. */
function sourcesOf({ scopes, terms }: Caller): string[] | null {
  return scopes.includes("read") ? (terms.visible ?? null) : [];
}

function tableAt(name: string, { uri = name, storage_options }: Place = {}): DeltaTableRef {
  return { table_uri: uri, ...(storage_options && { storage_options }) };
}

function mergeHalfSaid(): DataFusionEngineError {
  return new DataFusionEngineError(
    "The query parameter `request` says what a merge does with the rows of its body: it goes with rows, and rows go with it.",
    { code: "invalid_request" },
  );
}
