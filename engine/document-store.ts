/** JSON documents on disk, one file each, written whole or not at all, readable by the owner only. */
import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { parseJson, stringifyJson } from "./json.js";
import type { Log } from "./log.js";

/** What a document is written to before it has its name. */
const temporary = /\.json\.\d+$/;
/** Files that are open at the same time while all are read. */
const readTogether = 64;

export class DocumentStore<T> {
  readonly #folder: string;
  readonly #log: Log;
  readonly #most: number;

  constructor(folder: string, log: Log, most = Number.POSITIVE_INFINITY) {
    this.#folder = folder;
    this.#log = log;
    this.#most = most;
  }

  /** Refuses another document beside those that there are, where these are as many as may be. */
  requireRoom(documents: number): void {
    if (documents < this.#most) return;
    const message = `There are ${this.#most} entries already, which is as many as may be: remove one.`;
    throw new DataFusionEngineError(message, { code: "too_many_requests", details: { maximum: this.#most } });
  }

  /** What can be read, in the order of names; what an earlier process didn't finish is removed. */
  async load(): Promise<T[]> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const names = (await readdir(this.#folder)).sort();
    const unfinished = names.filter((name) => temporary.test(name));
    await Promise.all(unfinished.map((name) => rm(join(this.#folder, name), { force: true })));
    return this.read();
  }

  /** What can be read, and nothing is removed: for documents that another process may be writing. */
  async read(): Promise<T[]> {
    const names = (await readdir(this.#folder)).sort();
    const files = names.filter((name) => name.endsWith(".json"));
    const documents: (T | undefined)[] = [];
    for (let next = 0; next < files.length; next += readTogether) {
      const some = files.slice(next, next + readTogether);
      documents.push(...(await Promise.all(some.map((file) => this.#document(file)))));
    }
    return documents.filter((document) => document !== undefined);
  }

  async save(name: string, document: T): Promise<void> {
    await writeFileAtomic(this.#path(name), `${stringifyJson(document)}\n`, { mode: 0o600 });
    await this.#syncFolder();
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
    await this.#syncFolder();
  }

  async #document(file: string): Promise<T | undefined> {
    try {
      return parseJson(await readFile(join(this.#folder, file), "utf8")) as T;
    } catch (error) {
      this.#log.warn({ file, err: error }, "a document could not be read and is left out");
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
