/** Whether the files that kills left unfinished go away with a vacuum, once they are old. */
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { startServer } from "../fixture/server.js";
import { strayFiles } from "./commit-log.js";

const longAgo = new Date(Date.now() - 30 * 86_400_000);

/** Those that stay although they are old; no server may run. */
export async function unswept(warehouse: string, tables: readonly string[]): Promise<string[]> {
  const littered = tables.filter((table) => strayFiles(join(warehouse, table)).length > 0);
  for (const table of littered) age(join(warehouse, table));
  const server = await startServer({ warehouse });
  try {
    for (const table of littered) await server.client.sendJson(`/v1/tables/${table}/vacuum`, { dry_run: false });
  } finally {
    await server.stop();
  }
  return littered.flatMap((table) =>
    strayFiles(join(warehouse, table)).map((path) => `${table}/${path} was not swept`),
  );
}

function age(folder: string): void {
  for (const path of strayFiles(folder)) utimesSync(join(folder, path), longAgo, longAgo);
}
