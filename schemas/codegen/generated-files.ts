/** The generated files as the schemas want them, and where they differ from those on disk. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { check } from "./check.js";
import { emit } from "./emit.js";
import { load } from "./load.js";

const root = new URL("../../", import.meta.url);

export async function writeGenerated(): Promise<string[]> {
  const stale = await staleFiles();
  for (const [path, text] of stale) {
    mkdirSync(new URL(".", new URL(path, root)), { recursive: true });
    writeFileSync(new URL(path, root), text);
  }
  return stale.map(([path]) => path);
}

export async function stalePaths(): Promise<string[]> {
  return (await staleFiles()).map(([path]) => path);
}

async function staleFiles(): Promise<[string, string][]> {
  const source = load();
  check(source);
  const wanted = await emit(source);
  return [...wanted].filter(([path, text]) => read(path) !== text);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, root), "utf8");
  } catch {
    return undefined;
  }
}
