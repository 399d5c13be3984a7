/** The files of values, named by their signatures. */
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { KeptRelation, ParameterArtifact, ParameterTable } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { Log } from "./log.js";
import { NativeStoredResult } from "./native.js";

/** How long values stay that only a request can name, after they were last sent or read. */
const keptMs = 24 * 3600 * 1000;
/** How often files are looked through. */
const sweepMs = 3600 * 1000;
const ending = ".arrow";

export class ParameterValueFiles {
  readonly folder: string;
  readonly #log: Log;
  #swept = 0;

  constructor(folder: string, log: Log) {
    this.folder = folder;
    this.#log = log;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** What a query reads. */
  relation({ signature }: ParameterArtifact): KeptRelation {
    return { path: this.#path(signature), key: keyOf(signature) };
  }

  /** The values with a signature, which must be there and have the columns of the table. */
  async find(name: string, { columns }: ParameterTable, signature: string): Promise<ParameterArtifact> {
    const file = /^[0-9a-f]{64}$/.test(signature) ? await this.#open(signature) : undefined;
    const own = file?.description.head.schema.fields.map((field) => field.name) ?? [];
    if (file === undefined || own.join("\n") !== columns.map((column) => column.name).join("\n"))
      throw new DataFusionEngineError(`There are no values ${signature} of the parameter table ${name}.`, {
        code: "parameter_table_not_found",
      });
    const now = new Date();
    utimesSync(this.#path(signature), now, now);
    return { signature, rows: file.description.row_count };
  }

  /** Removes what is neither among the signatures nor new, once in a while. */
  sweep(signatures: readonly string[]): void {
    if (Date.now() - this.#swept < sweepMs) return;
    this.#swept = Date.now();
    const used = new Set(signatures.map((signature) => `${signature}${ending}`));
    for (const name of readdirSync(this.folder)) if (!used.has(name)) this.#removeOld(name);
  }

  async #open(signature: string): Promise<NativeStoredResult | undefined> {
    try {
      return await NativeStoredResult.open(this.#path(signature), keyOf(signature), false);
    } catch (error) {
      this.#log.warn({ err: error, signature }, "values of a parameter table can't be read");
      return undefined;
    }
  }

  #removeOld(name: string): void {
    const path = join(this.folder, name);
    const { mtimeMs = Date.now() } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > keptMs) rmSync(path, { force: true });
  }

  #path(signature: string): string {
    return join(this.folder, `${signature}${ending}`);
  }
}

function keyOf(signature: string): string {
  return `parameters:${signature}`;
}
