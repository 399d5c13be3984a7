/** Registered tables on disk: one JSON document each, written whole or not at all, readable by the owner only. */
import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import type { DeltaFeatureGate } from "../schemas/generated/index.js";
import type { Log } from "./log.js";

export interface StoredTable {
  readonly name: string;
  readonly uri: string;
  readonly storage_options: Readonly<Record<string, string>>;
  /** Absent in what was stored before there were gates. */
  readonly gate?: DeltaFeatureGate | null;
  readonly registered_at: string;
  /** Changes with every registration, so that an ETag can be made of it and no secret. */
  readonly revision: string;
}

export class TableStore {
  readonly #folder: string;
  readonly #log: Log;

  constructor(state: string, log: Log) {
    this.#folder = join(state, "tables");
    this.#log = log;
  }

  async load(): Promise<StoredTable[]> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const files = (await readdir(this.#folder)).filter((file) => file.endsWith(".json")).sort();
    const tables = await Promise.all(files.map((file) => this.#read(file)));
    return tables.filter((table) => table !== undefined);
  }

  async save(table: StoredTable): Promise<void> {
    await writeFileAtomic(this.#path(table.name), `${JSON.stringify(table, null, 2)}\n`, { mode: 0o600 });
    await this.#syncFolder();
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
    await this.#syncFolder();
  }

  async #read(file: string): Promise<StoredTable | undefined> {
    try {
      return JSON.parse(await readFile(join(this.#folder, file), "utf8")) as StoredTable;
    } catch (error) {
      this.#log.warn({ file, err: error }, "a registered table could not be read and is left out");
      return undefined;
    }
  }

  #path(name: string): string {
    return join(this.#folder, `${name}.json`);
  }

  /** A renamed or removed file survives a power loss only when its folder is synced too. */
  async #syncFolder(): Promise<void> {
    const folder = await open(this.#folder, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
