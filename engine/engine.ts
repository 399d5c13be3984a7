/** The engine as the API sees it: tables, sessions and queries over one Rust engine. */
import type { EngineConfig, Readiness, TableWrite, WriteReport } from "../schemas/generated/index.js";
import { Gates } from "./gates.js";
import { hashMsgpackCanonical } from "./hashing.js";
import type { Log } from "./log.js";
import { NativeEngine } from "./native.js";
import { Queries } from "./queries.js";
import { Schemas } from "./schemas.js";
import { Sessions } from "./sessions.js";
import { TableCatalog } from "./table-catalog.js";
import { TableOperations } from "./table-operations.js";
import { TableReads } from "./table-reads.js";
import { TableStore } from "./table-store.js";

export interface EngineOptions {
  readonly config: EngineConfig;
  /** The folder for what must survive a restart. */
  readonly state: string;
  /** How many sessions may be open. */
  readonly sessions: number;
  /** How many ended queries are remembered. */
  readonly history: number;
}

export interface Engine {
  readonly tables: TableCatalog;
  readonly operations: TableOperations;
  readonly sessions: Sessions;
  readonly queries: Queries;
  readonly schemas: Schemas;
  readonly reads: TableReads;
  readonly gates: Gates;
  /** A text that differs where two values do, for ETags. */
  revision(value: object): string;
  readiness(): Readiness;
  /** Commits rows to a Delta table; for the demo and the benchmarks. */
  write(write: TableWrite): Promise<WriteReport>;
  /** Cancels what runs and takes no more. */
  close(): void;
}

export async function openEngine({ config, state, sessions, history }: EngineOptions, log: Log): Promise<Engine> {
  const native = new NativeEngine(config);
  const tables = new TableCatalog(native, new TableStore(state, log), log);
  const open = new Sessions(native, sessions);
  const queries = new Queries(open, history);
  const reads = new TableReads({ native, tables, sessions: open, queries });
  await tables.restore();
  let closed = false;
  return {
    tables,
    operations: new TableOperations(native, tables, open),
    sessions: open,
    queries,
    schemas: new Schemas(),
    reads,
    gates: new Gates(reads),
    revision: hashMsgpackCanonical,
    readiness: () => ({ ready: !closed, reasons: closed ? ["The service is shutting down."] : [] }),
    write: (write) => native.writeTable(write),
    close: () => {
      closed = true;
      tables.close();
      queries.cancelAll();
    },
  };
}
