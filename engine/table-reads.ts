/** What is read of a table at one of its versions: snapshot, schema, history, files and changes. */
import type {
  ChangeRequest,
  DeltaProtocolSnapshot,
  DeltaSnapshotInfo,
  ResultFormat,
  TableChangeSelection,
  TableFileList,
  TableFileSelection,
  TableHistory,
  TableHistorySelection,
  TableSchema,
  TableSelection,
} from "../schemas/generated/index.js";
import type { Caller } from "./caller.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { NativeEngine } from "./native.js";
import { cursorOf, defaultLimit, keyIn } from "./page.js";
import type { Queries } from "./queries.js";
import type { Query } from "./query.js";
import type { Sessions } from "./sessions.js";
import type { TableCatalog } from "./table-catalog.js";

export interface TableReadsParts {
  readonly native: NativeEngine;
  readonly tables: TableCatalog;
  readonly sessions: Sessions;
  readonly queries: Queries;
}

export class TableReads {
  readonly #parts: TableReadsParts;

  constructor(parts: TableReadsParts) {
    this.#parts = parts;
  }

  async snapshot(name: string, selection: TableSelection): Promise<DeltaSnapshotInfo> {
    await this.#parts.tables.attached(name);
    return this.#parts.native.tableSnapshot(name, selection);
  }

  async protocol(name: string, selection: TableSelection): Promise<DeltaProtocolSnapshot> {
    const snapshot = await this.snapshot(name, selection);
    const { min_reader_version, min_writer_version, reader_features, writer_features } = snapshot;
    return { min_reader_version, min_writer_version, reader_features, writer_features };
  }

  async schema(name: string, selection: TableSelection): Promise<TableSchema> {
    await this.#parts.tables.attached(name);
    return this.#parts.native.tableSchema(name, selection);
  }

  async history(name: string, selection: TableHistorySelection): Promise<TableHistory> {
    await this.#parts.tables.attached(name);
    const { limit = defaultLimit, cursor, ...pin } = selection;
    const before = cursor === undefined ? {} : { before: versionIn(cursor) };
    const { items, more } = await this.#parts.native.tableHistory(name, { ...pin, ...before, limit });
    const last = items.at(-1);
    return { items, next_cursor: more && last ? cursorOf(String(last.version)) : null };
  }

  /** Every page is of the version that the first one was of. */
  async files(name: string, selection: TableFileSelection, caller: Caller): Promise<TableFileList> {
    await this.#parts.tables.attached(name);
    const { limit = defaultLimit, predicate, cursor, ...pin } = selection;
    const place = cursor === undefined ? pin : fileIn(cursor);
    const request = { ...place, ...(predicate !== undefined && { predicate }), limit };
    const { version, items, more } = await this.#parts.sessions.use(undefined, caller).tableFiles(name, request);
    const last = items.at(-1);
    return { version, items, next_cursor: more && last ? cursorOf(`${version}/${last.path}`) : null };
  }

  async changes(name: string, selection: TableChangeSelection, format: ResultFormat, caller: Caller): Promise<Query> {
    await this.#parts.tables.attached(name);
    const { session_id, ...rest } = selection;
    return this.#parts.queries.changes(changeRequest(name, rest), format, caller, session_id);
  }
}

function changeRequest(table: string, selection: Omit<TableChangeSelection, "session_id">): ChangeRequest {
  const { timeout_ms, row_limit, byte_limit, numbers, row_format, spool, ...options } = selection;
  const wanted = { timeout_ms, row_limit, byte_limit, numbers, row_format, spool };
  return { table, options, ...wanted };
}

function versionIn(cursor: string): number {
  const version = keyIn(cursor);
  return /^\d{1,15}$/.test(version) ? Number(version) : refuse();
}

function fileIn(cursor: string): { version: number; after: string } {
  const [, version, after] = keyIn(cursor).match(/^(\d{1,15})\/(.+)$/s) ?? refuse();
  return { version: Number(version), after: String(after) };
}

function refuse(): never {
  throw new DataFusionEngineError("The cursor is not one that this list gave.", { code: "invalid_request" });
}
