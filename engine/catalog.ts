/** All registries as one document: shown without secrets, and restored whole or not at all. */
import type {
  CatalogDocument,
  RegistryKind,
  RegistryList,
  RegistrySnapshot,
  RestoreMode,
  RestoreReport,
} from "../schemas/generated/index.js";
import type { Condition } from "./condition.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { DocumentStore } from "./document-store.js";
import { hashMsgpackCanonical } from "./hashing.js";
import type { Log } from "./log.js";
import type { ImmutableRegistry } from "./registry.js";
import { Turns } from "./turns.js";

type Definitions = [name: string, definition: object][];

/** A registry as the catalog sees it. */
export interface CatalogPart {
  readonly size: number;
  fingerprint(): string;
  /** What its entries were registered with, each after those that it needs. */
  definitions(): Definitions;
  /** The same with what is never shown. */
  backup?(): Definitions;
  put(name: string, definition: never, condition: Condition): Promise<{ readonly created: boolean }>;
  remove(name: string, condition: Condition): Promise<void>;
  /** Refuses entries of these names that others, all of which are there now, don't fit. */
  settled?(names: readonly string[]): Promise<void>;
}

/** What stood under the names that restoring a catalog changes; null for nothing. */
type Backup = Partial<Record<RegistryKind, Record<string, object | null>>>;

const always: Condition = () => true;
const journalName = "restoring";

export class Catalog {
  readonly #parts: ImmutableRegistry<RegistryKind, CatalogPart>;
  readonly #journal: DocumentStore<Backup>;
  readonly #log: Log;
  readonly #turns = new Turns();

  /** `parts`: each kind after those that its entries may need. */
  constructor(parts: ImmutableRegistry<RegistryKind, CatalogPart>, journal: DocumentStore<Backup>, log: Log) {
    this.#parts = parts;
    this.#journal = journal;
    this.#log = log;
  }

  /** Undoes what an earlier process began to restore and didn't finish. */
  async recover(): Promise<void> {
    for (const backup of await this.#journal.load()) {
      this.#log.warn({}, "a catalog was half restored; the one before is put back");
      await this.#putBack(backup);
    }
  }

  list(): RegistryList {
    const items = this.#parts.entries().map(([kind, part]) => {
      return { kind, size: part.size, fingerprint: part.fingerprint() };
    });
    return { items, fingerprint: hashMsgpackCanonical(items) };
  }

  /** What one registry holds, or all. */
  snapshot(kind?: RegistryKind): RegistrySnapshot {
    const kinds = kind === undefined ? this.#parts.keys() : [kind];
    const catalog = Object.fromEntries(
      kinds.map((each) => [each, Object.fromEntries(this.#part(each).definitions())]),
    ) as CatalogDocument;
    return { fingerprint: kind === undefined ? this.list().fingerprint : this.#part(kind).fingerprint(), catalog };
  }

  /** Registers all that the catalog holds; where one entry is refused, everything is as it was. */
  restore(catalog: CatalogDocument, mode: RestoreMode): Promise<RestoreReport> {
    return this.#turns.run(async () => {
      const kinds = this.#parts.keys().filter((kind) => catalog[kind] !== undefined);
      const backup = this.#backup(catalog, kinds, mode);
      await this.#journal.save(journalName, backup);
      try {
        const report = await this.#apply(catalog, kinds, mode);
        await this.#journal.remove(journalName);
        return report;
      } catch (error) {
        await this.#putBack(backup);
        throw error;
      }
    });
  }

  async #apply(catalog: CatalogDocument, kinds: RegistryKind[], mode: RestoreMode): Promise<RestoreReport> {
    const report = { created: 0, replaced: 0, removed: 0 };
    for (const kind of kinds) {
      for (const created of await this.#put(kind, Object.entries(catalog[kind] ?? {}))) {
        report[created ? "created" : "replaced"] += 1;
      }
    }
    if (mode === "replace") {
      for (const kind of [...kinds].reverse()) report.removed += await this.#removeOthers(kind, catalog[kind] ?? {});
    }
    for (const kind of kinds) await this.#part(kind).settled?.(Object.keys(catalog[kind] ?? {}));
    return report;
  }

  /** Entries may come in any order: those that need others are tried again after them. */
  async #put(kind: RegistryKind, definitions: Definitions): Promise<boolean[]> {
    const created: boolean[] = [];
    let open = definitions;
    while (open.length > 0) {
      const refused: { entry: Definitions[number]; error: unknown }[] = [];
      for (const entry of open) {
        try {
          created.push((await this.#part(kind).put(entry[0], entry[1] as never, always)).created);
        } catch (error) {
          refused.push({ entry, error });
        }
      }
      const [first] = refused;
      if (first !== undefined && refused.length === open.length) throw ofEntry(first.error, kind, first.entry[0]);
      open = refused.map(({ entry }) => entry);
    }
    return created;
  }

  async #removeOthers(kind: RegistryKind, kept: Record<string, object>): Promise<number> {
    const others = this.#namesOf(kind).filter((name) => kept[name] === undefined);
    await this.#remove(kind, others);
    return others.length;
  }

  /** The last first; entries that others still need are tried again after them. */
  async #remove(kind: RegistryKind, names: string[]): Promise<void> {
    let open = names.reverse();
    while (open.length > 0) {
      const refused: { name: string; error: unknown }[] = [];
      for (const name of open) {
        try {
          await this.#part(kind).remove(name, always);
        } catch (error) {
          refused.push({ name, error });
        }
      }
      const [first] = refused;
      if (first !== undefined && refused.length === open.length) throw ofEntry(first.error, kind, first.name);
      open = refused.map(({ name }) => name);
    }
  }

  #namesOf(kind: RegistryKind): string[] {
    const definitions = this.#part(kind).definitions();
    return definitions.map(([name]) => name);
  }

  #backup(catalog: CatalogDocument, kinds: RegistryKind[], mode: RestoreMode): Backup {
    return Object.fromEntries(
      kinds.map((kind) => {
        const part = this.#part(kind);
        const wanted = catalog[kind] ?? {};
        const before = part.backup?.() ?? part.definitions();
        const changed = before.filter(([name]) => mode === "replace" || wanted[name] !== undefined);
        const none = Object.fromEntries(Object.keys(wanted).map((name) => [name, null]));
        return [kind, { ...none, ...Object.fromEntries(changed) }];
      }),
    );
  }

  /** Leaves alone what others have registered meanwhile under other names. */
  async #putBack(backup: Backup): Promise<void> {
    const kinds = this.#parts.keys().filter((kind) => backup[kind] !== undefined);
    for (const kind of kinds) {
      const entries = Object.entries(backup[kind] ?? {});
      await this.#put(
        kind,
        entries.flatMap(([name, definition]) => (definition === null ? [] : [[name, definition]])),
      );
    }
    for (const kind of [...kinds].reverse()) await this.#removeNew(kind, backup[kind] ?? {});
    await this.#journal.remove(journalName);
  }

  async #removeNew(kind: RegistryKind, backup: Record<string, object | null>): Promise<void> {
    await this.#remove(
      kind,
      this.#namesOf(kind).filter((name) => backup[name] === null),
    );
  }

  #part(kind: RegistryKind): CatalogPart {
    const part = this.#parts.get(kind);
    if (part !== undefined) return part;
    throw new DataFusionEngineError(`There is no registry of ${kind}.`, { code: "registry_not_found" });
  }
}

/** Says which entry of a catalog it was. */
function ofEntry(error: unknown, kind: RegistryKind, name: string): unknown {
  if (!(error instanceof DataFusionEngineError)) return error;
  const { message, code, kind: errorKind, details, location } = error;
  return new DataFusionEngineError(`${kind}/${name}: ${message}`, {
    code,
    kind: errorKind,
    ...(location && { location }),
    details: { ...details, registry: kind, entry: name },
    cause: error,
  });
}
