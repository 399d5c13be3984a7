/** How often a second this disk takes a small file for good: what bounds the commits of one writer. */
import { closeSync, fsyncSync, linkSync, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";

export function durablePutsPerSecond(parent: string, puts = 200): number {
  const folder = mkdtempSync(join(parent, "puts-"));
  const started = performance.now();
  for (let put = 0; put < puts; put++) putDurably(folder, String(put));
  const seconds = (performance.now() - started) / 1000;
  rmSync(folder, { recursive: true });
  return puts / seconds;
}

function putDurably(folder: string, name: string): void {
  const unfinished = join(folder, `.${name}`);
  const file = openSync(unfinished, "wx");
  writeSync(file, Buffer.alloc(1000));
  fsyncSync(file);
  closeSync(file);
  linkSync(unfinished, join(folder, name));
  unlinkSync(unfinished);
  const entry = openSync(folder, "r");
  fsyncSync(entry);
  closeSync(entry);
}
