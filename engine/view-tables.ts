/** Delta tables that hold the rows of views, each with the key of what it holds. */
import type { DeltaMutationReport, DeltaRelation } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { DocumentRegistry, type Entry } from "./document-registry.js";
import type { DocumentStore } from "./document-store.js";
import { fill } from "./fill.js";
import type { Log } from "./log.js";
import type { NativeEngine } from "./native.js";
import type { ResultBody } from "./result-body.js";
import type { ResultReader } from "./result-reader.js";
import { Turns } from "./turns.js";

export interface ViewTable extends DeltaRelation {
  /** What its rows are the result of. */
  readonly key: string;
}

/** Below the warehouse; folders of such names are not served on their own. */
const folder = "_views";
/** How many versions are written between two looks for files that no query reads any longer. */
const versionsBetweenVacuums = 32;
/** Longer than queries run. */
const retentionHours = 24;

export class ViewTables {
  readonly #native: NativeEngine;
  readonly #reader: ResultReader;
  readonly #log: Log;
  readonly #tables: DocumentRegistry<ViewTable>;
  /** The refreshes that run, by what they write. */
  readonly #refreshing = new Map<string, Promise<DeltaRelation>>();

  constructor(native: NativeEngine, reader: ResultReader, store: DocumentStore<Entry<ViewTable>>, log: Log) {
    this.#native = native;
    this.#reader = reader;
    this.#log = log;
    this.#tables = new DocumentRegistry({ noun: "view", notFound: "view_not_found" }, store, new Turns());
  }

  load(): Promise<void> {
    return this.#tables.load();
  }

  /** The table of a view where it holds the rows of `key`. */
  at(view: string, key: string): DeltaRelation | undefined {
    const table = this.#tables.get(view)?.value;
    if (table?.key !== key) return undefined;
    const { uri, version, schema } = table;
    return { uri, version, schema };
  }

  /** Writes the kept result of `key` to the view's table, once for all who ask. */
  refresh(view: string, key: string): Promise<DeltaRelation> {
    const running = this.#refreshing.get(key);
    if (running !== undefined) return running;
    const refresh = this.#write(view, key).finally(() => this.#refreshing.delete(key));
    this.#refreshing.set(key, refresh);
    return refresh;
  }

  /** Forgets the table of a view; its files stay. */
  async forget(view: string): Promise<void> {
    if (this.#tables.has(view)) await this.#tables.remove(view);
  }

  async #write(view: string, key: string): Promise<DeltaRelation> {
    let written: DeltaRelation | undefined;
    await this.#tables.put(view, async () => {
      written = await this.#commit(`${folder}/${view}`, view, key);
      return { ...written, key };
    });
    if (written === undefined) throw new DataFusionEngineError("A view was not written.", { code: "internal" });
    return written;
  }

  async #commit(uri: string, view: string, key: string): Promise<DeltaRelation> {
    const mode = this.#tables.has(view) ? "overwrite" : "create";
    try {
      return await this.#ingest(uri, mode, key);
    } catch (error) {
      const other = otherMode(error, mode);
      if (other === undefined) throw error;
      return this.#ingest(uri, other, key);
    }
  }

  async #ingest(uri: string, mode: "create" | "overwrite", key: string): Promise<DeltaRelation> {
    const body = await this.#reader.whole(key, { format: "arrow" });
    if (body === undefined) throw new DataFusionEngineError("The rows are gone.", { code: "result_expired" });
    const commit_options = { metadata: { "lakegate.key": key } };
    const schema_mode = mode === "overwrite" ? { schema_mode: "overwrite" } : {};
    const request = { table: { table_uri: uri }, mode, ...schema_mode, commit_options };
    const writing = { operation: "write", request, context: {} } as const;
    const rows = { format: "arrow", bytes: bytesOf(body) } as const;
    const { version } = await fill<DeltaMutationReport>(this.#native, writing, rows);
    if (version > 0 && version % versionsBetweenVacuums === 0) void this.#vacuum(uri);
    return { uri, version, schema: body.head.schema };
  }

  async #vacuum(uri: string): Promise<void> {
    const table = { table_uri: uri };
    const request = { table, retention_hours: retentionHours, dry_run: false, enforce_retention_duration: false };
    try {
      await this.#native.operate("vacuum", request, {});
    } catch (err) {
      this.#log.warn({ err, table: uri }, "files of a view's earlier rows are still there");
    }
  }
}

async function* bytesOf(body: ResultBody): AsyncGenerator<Buffer> {
  yield body.first;
  if (body.complete) return;
  for (let more = await body.next(); more !== null; more = await body.next()) yield more;
}

/** What to do where the table is there, or isn't, unlike what is remembered. */
function otherMode(error: unknown, mode: "create" | "overwrite"): "create" | "overwrite" | undefined {
  if (!(error instanceof DataFusionEngineError)) return undefined;
  if (mode === "create" && error.code === "table_exists") return "overwrite";
  return mode === "overwrite" && error.code === "table_not_found" ? "create" : undefined;
}
