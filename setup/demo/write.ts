/** Writes the demo tables: `node --import tsx setup/demo/write.ts FOLDER`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engine } from "../../engine/index.js";
import { withEngine } from "../local-engine.js";
import { sourcePath } from "./sources.js";
import { type DemoTable, demoTables } from "./tables.js";

const [warehouse] = process.argv.slice(2);
if (!warehouse) throw new Error("Name the folder to write the tables to.");

const temporary = mkdtempSync(join(tmpdir(), "lakegate-demo-"));
try {
  await withEngine(warehouse, async (engine) => {
    for (const table of demoTables) await write(engine, table);
  });
} finally {
  rmSync(temporary, { recursive: true });
}

async function write(engine: Engine, table: DemoTable): Promise<void> {
  const delivered = { path: sourcePath(table, temporary), format: table.format };
  let rows = 0;
  for (const { mode, sql } of table.commits) {
    const report = await engine.write({
      uri: table.name,
      mode,
      sql,
      sources: { delivered },
      ...(mode === "create" && {
        partition_columns: table.partitionColumns ?? [],
        properties: table.properties ?? {},
      }),
    });
    rows = mode === "append" ? rows + report.rows : report.rows;
  }
  console.log(`  ${table.name}: ${rows} rows in ${table.commits.length} commits`);
}
