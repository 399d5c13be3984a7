/** Files of rows that came with requests, as long as these last. */
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { IncomingRows as KeptRows, SchemaContract } from "../schemas/generated/index.js";
import { fill, type IncomingRows } from "./fill.js";
import type { NativeEngine } from "./native.js";

/** Rows on disk. */
export interface RowFile extends KeptRows {
  readonly path: string;
  readonly key: string;
}

export class IncomingRowFiles {
  readonly #native: NativeEngine;
  readonly #folder: string;

  constructor(native: NativeEngine, folder: string) {
    this.#native = native;
    this.#folder = folder;
  }

  /** Removes what an earlier process has left. */
  async load(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.#folder)) await this.#remove(join(this.#folder, name));
  }

  /** Takes rows as they are, or as texts that can become what a contract wants. */
  async take(contract: SchemaContract, rows: IncomingRows, coerce: boolean | undefined): Promise<RowFile> {
    const id = randomUUID();
    const place = { path: join(this.#folder, `${id}.arrow`), key: `incoming:${id}` };
    const request = { contract, ...place, coerce: coerce ?? null };
    const kept = await fill<KeptRows>(this.#native, { operation: "incoming_rows", request, context: {} }, rows);
    return { ...kept, ...place };
  }

  async forget({ path }: RowFile): Promise<void> {
    await this.#remove(path);
  }

  #remove(path: string): Promise<void> {
    return rm(path, { force: true });
  }
}
