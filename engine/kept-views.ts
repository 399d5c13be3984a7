/** Rows of views that are kept between queries: a query that runs reads them in the place of the views. */
import type { KeptView, ProvidedRelations } from "../schemas/generated/index.js";
import type { KeptResults } from "./kept-results.js";
import type { Log } from "./log.js";
import type { NativeQuery } from "./native.js";
import type { StorageOptions } from "./result-key.js";
import { resultKey } from "./result-key.js";
import type { ViewTables } from "./view-tables.js";

/** Computes the rows of a view at the versions of its identity; the key that they are kept under, if they are. */
export type ComputeRows = (view: KeptView) => Promise<string | undefined>;

export class KeptViews {
  readonly #kept: KeptResults;
  readonly #tables: ViewTables;
  readonly #storageOptions: StorageOptions;
  readonly #log: Log;

  constructor(kept: KeptResults, tables: ViewTables, storageOptions: StorageOptions, log: Log) {
    this.#kept = kept;
    this.#tables = tables;
    this.#storageOptions = storageOptions;
    this.#log = log;
  }

  /** A view whose rows can't be kept is read as if none were wanted: what it gives is the same. */
  async provide(native: NativeQuery, views: readonly KeptView[], compute: ComputeRows): Promise<void> {
    if (views.length === 0) return;
    try {
      const provided = await Promise.all(views.map((view) => this.#relation(view, compute)));
      await native.provide(merged(provided));
    } catch (error) {
      this.#log.warn({ err: error, views: views.map(({ name }) => name) }, "views are read without their kept rows");
    }
  }

  async #relation(view: KeptView, compute: ComputeRows): Promise<ProvidedRelations> {
    const key = resultKey(view.identity, view.parameters, this.#storageOptions);
    if (view.cache_policy === "delta") {
      const table = this.#tables.at(view.name, key) ?? (await this.#refreshed(view, key, compute));
      return table === undefined ? {} : { delta: { [view.name]: table } };
    }
    if (!this.#kept.has(key) && (await compute(view)) !== key) return {};
    const relation = { path: this.#kept.path(key), key, in_memory: view.cache_policy === "memory" };
    return { kept: { [view.name]: relation } };
  }

  async #refreshed(view: KeptView, key: string, compute: ComputeRows) {
    if (!this.#kept.has(key) && (await compute(view)) !== key) return undefined;
    return this.#tables.refresh(view.name, key);
  }
}

function merged(relations: readonly ProvidedRelations[]): ProvidedRelations {
  return {
    kept: Object.assign({}, ...relations.map(({ kept }) => kept)),
    delta: Object.assign({}, ...relations.map(({ delta }) => delta)),
  };
}
