/** Writes rows to Delta tables, each commit exactly once: an application transaction names the run and the node. */
import type { NodeMaterializer } from "../../schemas/generated/index.js";
import { DataFusionEngineError } from "../data-fusion-engine-error.js";
import { stringifyJson } from "../json.js";
import { keyedMerge } from "../native.js";
import type { TableCatalog } from "../table-catalog.js";
import type { KeptWrite, TableOperations } from "../table-operations.js";
import type { Materializer, WriteWork, Written } from "./materializer.js";

export class DeltaMaterializer implements Materializer {
  readonly #operations: TableOperations;
  readonly #catalog: TableCatalog;

  constructor(operations: TableOperations, catalog: TableCatalog) {
    this.#operations = operations;
    this.#catalog = catalog;
  }

  async write(work: WriteWork): Promise<Written> {
    const { table = "" } = work.to;
    const { version } = await this.#operations.writeKept(table, keptWrite(work), work.relation, {
      idempotencyKey: `pipeline run ${work.run.id} node ${work.node}`,
      signal: work.signal,
    });
    return { table, version };
  }

  async isThere({ table = "", version = 0 }: Written): Promise<boolean> {
    try {
      return (await this.#catalog.describe(table)).description.version >= version;
    } catch (error) {
      if (error instanceof DataFusionEngineError && error.code === "table_not_found") return false;
      throw error;
    }
  }
}

function keptWrite({ run, node, to, fields, sources }: WriteWork): KeptWrite {
  const versions = Object.fromEntries(sources.map(({ name, version }) => [name, version]));
  const metadata = {
    "lakegate.pipeline": run.pipeline,
    "lakegate.run": run.id,
    "lakegate.pipeline_node": node,
    "lakegate.sources": stringifyJson(versions),
  };
  const commit_options = { metadata };
  const { partition_columns = [] } = to;
  const made = { mode: "create", ...(partition_columns.length > 0 && { partition_columns }), commit_options } as const;
  if (to.mode !== "merge") return { operation: "write", body: { ...rowsWrite(to), commit_options }, made };
  const columns = fields.map(({ name }) => name);
  return { operation: "merge", body: { ...keyedMerge({ keys: to.keys ?? [], columns }), commit_options }, made };
}

function rowsWrite({ mode = "overwrite", schema_mode }: NodeMaterializer) {
  const columns = schema_mode ?? (mode === "overwrite" ? "overwrite" : undefined);
  return { mode: mode === "append" ? mode : ("overwrite" as const), ...(columns && { schema_mode: columns }) };
}
