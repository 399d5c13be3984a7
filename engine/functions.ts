/** The functions that SQL can call: those that are built in, and macros, which are kept as documents. */
import type {
  FunctionDefinition,
  FunctionInfo,
  FunctionKind,
  FunctionList,
  FunctionSelection,
  MacroRegistration,
} from "../schemas/generated/index.js";
import type { CatalogPart } from "./catalog.js";
import type { Condition } from "./condition.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { DocumentRegistry, type Entry } from "./document-registry.js";
import type { DocumentStore } from "./document-store.js";
import { hashMsgpackCanonical } from "./hashing.js";
import type { Log } from "./log.js";
import type { NativeEngine } from "./native.js";
import { page } from "./page.js";
import { ImmutableRegistry } from "./registry.js";
import type { Turns } from "./turns.js";

export interface FoundFunction {
  readonly info: FunctionInfo;
  readonly revision: string;
}

/** Where SQL of other entries is, which may call macros. */
export interface MacroCallers {
  /** By what the entries are called, such as `views/late`. */
  readonly texts: () => readonly (readonly [entry: string, sql: string])[];
  /** Refuses views that can't be planned any more. */
  readonly replan: (views: readonly string[]) => Promise<void>;
}

export class Functions implements CatalogPart {
  readonly #native: NativeEngine;
  readonly #log: Log;
  readonly #turns: Turns;
  readonly #callers: MacroCallers;
  #known: ImmutableRegistry<string, FunctionInfo> | undefined;
  readonly #macros: DocumentRegistry<FunctionDefinition>;
  /** What Rust says of each macro. */
  readonly #described = new Map<string, FunctionInfo>();
  #sorted: FunctionInfo[] | undefined;

  constructor(
    native: NativeEngine,
    store: DocumentStore<Entry<FunctionDefinition>>,
    turns: Turns,
    log: Log,
    callers: MacroCallers,
  ) {
    this.#native = native;
    this.#log = log;
    this.#turns = turns;
    this.#callers = callers;
    this.#macros = new DocumentRegistry({ noun: "function", notFound: "function_not_found" }, store, turns);
  }

  /** Defines the macros that were registered; one that can't be any more is left out. */
  async restore(): Promise<void> {
    await this.#macros.load();
    const entries = this.#macros.entries().map(([, entry]) => entry);
    try {
      await this.#define(entries.map(registration));
    } catch {
      for (const entry of entries) await this.#defineOrWarn(entry);
    }
  }

  /** Read when they are first asked for: that takes a tenth of the start. */
  get #builtIn(): ImmutableRegistry<string, FunctionInfo> {
    this.#known ??= ImmutableRegistry.from(this.#native.builtInFunctions().map((info) => [keyOf(info), info]));
    return this.#known;
  }

  get size(): number {
    return this.#macros.size;
  }

  fingerprint(): string {
    return this.#macros.fingerprint();
  }

  /** What each was registered with. */
  definitions(): [string, FunctionDefinition][] {
    return this.#macros.values();
  }

  list({ kind, text, ...selection }: FunctionSelection): FunctionList {
    this.#sorted ??= [...this.#builtIn.entries().map(([, info]) => info), ...this.#described.values()].sort(byKey);
    const wanted = this.#sorted.filter(
      (info) => (kind === undefined || info.kind === kind) && (text === undefined || mentions(info, text)),
    );
    return page(wanted, selection, keyOf);
  }

  /** The function of a name; of several by one name that of the kind, or the first. */
  get(name: string, kind?: FunctionKind): FoundFunction {
    const info = this.#described.get(name);
    if (info !== undefined && (kind ?? "macro") === "macro")
      return { info, revision: this.#macros.entry(name).revision };
    return this.#ofBuiltIn(name, kind);
  }

  /** Registers a macro, unless views that call it could no longer be planned. */
  async putSettled(
    name: string,
    definition: FunctionDefinition,
    condition: Condition,
  ): Promise<FoundFunction & { created: boolean }> {
    return this.#put(name, definition, condition, () => this.settled([name]));
  }

  /** Registers a macro, whatever becomes of the views that call it, which may change next. */
  async put(
    name: string,
    definition: FunctionDefinition,
    condition: Condition,
  ): Promise<FoundFunction & { created: boolean }> {
    return this.#put(name, definition, condition, async () => undefined);
  }

  /** Refuses macros that views call in another way. */
  async settled(names: readonly string[]): Promise<void> {
    const callers = new Set(names.flatMap((name) => this.#usersOf(name)));
    const views = [...callers].filter((entry) => entry.startsWith(ofViews)).map((entry) => entry.slice(ofViews.length));
    await this.#callers.replan(views);
  }

  async #put(
    name: string,
    definition: FunctionDefinition,
    condition: Condition,
    settle: () => Promise<void>,
  ): Promise<FoundFunction & { created: boolean }> {
    const make = async () => {
      await this.#define([{ name, definition }]);
      await settle();
      return definition;
    };
    const { revision, created } = await this.#kept(name, this.#macros.put(name, make, condition));
    return { info: this.#described.get(name) as FunctionInfo, revision, created };
  }

  async remove(name: string, condition: Condition): Promise<void> {
    if (!this.#macros.has(name) && this.#hasBuiltIn(name)) throw isBuiltIn(name);
    await this.#kept(
      name,
      this.#macros.remove(name, condition, () => {
        this.#refuseUsed(name);
        this.#drop(name);
      }),
    );
  }

  /** Whatever comes of a change, the engine has the macro as it is on disk. */
  async #kept<T>(name: string, change: Promise<T>): Promise<T> {
    try {
      return await change;
    } catch (error) {
      await this.#turns.run(() => this.#restoreOne(name));
      throw error;
    }
  }

  async #restoreOne(name: string): Promise<void> {
    const definition = this.#macros.get(name)?.value;
    const known = this.#described.get(name)?.definition;
    if (hashMsgpackCanonical(definition ?? null) === hashMsgpackCanonical(known ?? null)) return;
    if (definition !== undefined) await this.#define([{ name, definition }]);
    else this.#drop(name);
  }

  async #define(macros: readonly MacroRegistration[]): Promise<void> {
    const infos = await this.#native.defineMacros(macros);
    for (const [index, info] of infos.entries()) {
      this.#described.set(info.name, { ...info, definition: macros[index]?.definition ?? null });
    }
    this.#sorted = undefined;
  }

  async #defineOrWarn(entry: Entry<FunctionDefinition>): Promise<void> {
    try {
      await this.#define([registration(entry)]);
    } catch (error) {
      this.#log.warn({ function: entry.name, err: error }, "a macro can't be defined any more and is left out");
    }
  }

  #refuseUsed(name: string): void {
    const used_by = this.#usersOf(name);
    if (used_by.length === 0) return;
    const message = `The macro ${name} is called by ${used_by.join(", ")}; remove or change them first.`;
    throw new DataFusionEngineError(message, { code: "entry_in_use", details: { used_by } });
  }

  /** The entries of other registries whose SQL calls a macro. */
  #usersOf(name: string): string[] {
    const texts = this.#callers.texts();
    const users = texts.filter(([, sql]) => sql.toLowerCase().includes(name.toLowerCase()));
    return [...new Set(users.filter(([, sql]) => this.#native.callsMacro(sql, name)).map(([entry]) => entry))];
  }

  #drop(name: string): void {
    this.#native.dropMacro(name);
    this.#described.delete(name);
    this.#sorted = undefined;
  }

  #ofBuiltIn(name: string, kind: FunctionKind | undefined): FoundFunction {
    const all = this.#builtIn.entries().map(([, info]) => info);
    const named = all.filter((info) => info.name === name || info.aliases?.includes(name));
    const found = named.find((info) => kind === undefined || info.kind === kind);
    if (found !== undefined) return { info: found, revision: hashMsgpackCanonical(found) };
    const what = kind === undefined ? "function" : `${kind} function`;
    throw new DataFusionEngineError(`There is no ${what} ${name}.`, { code: "function_not_found" });
  }

  #hasBuiltIn(name: string): boolean {
    return this.#builtIn.entries().some(([, info]) => info.name === name || info.aliases?.includes(name));
  }
}

const ofViews = "views/";

function registration({ name, value }: Entry<FunctionDefinition>): MacroRegistration {
  return { name, definition: value };
}

/** Functions of several kinds may have one name. */
function keyOf({ name, kind }: FunctionInfo): string {
  return `${name} ${kind}`;
}

function byKey(left: FunctionInfo, right: FunctionInfo): number {
  return keyOf(left) < keyOf(right) ? -1 : 1;
}

function mentions({ name, aliases = [], documentation }: FunctionInfo, text: string): boolean {
  const wanted = text.toLowerCase();
  return [name, ...aliases, documentation?.description ?? ""].some((part) => part.toLowerCase().includes(wanted));
}

function isBuiltIn(name: string): DataFusionEngineError {
  return new DataFusionEngineError(`${name} is a built-in function.`, { code: "name_taken" });
}
