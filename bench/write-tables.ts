/** Writes Parquet files as Delta tables, through the engine. */
import { withEngine } from "../setup/local-engine.js";

export interface ParquetTable {
  name: string;
  path: string;
}

export function writeTables(warehouse: string, tables: ParquetTable[]): Promise<void> {
  return withEngine(warehouse, async (engine) => {
    for (const { name, path } of tables) {
      const sources = { source: { path, format: "parquet" as const } };
      await engine.write({ uri: name, mode: "create", sources, sql: "SELECT * FROM source" });
      console.log(`  ${name}`);
    }
  });
}
