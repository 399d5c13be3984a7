/** A registry whose entries are documents on disk: durable, changed under conditions, one after the other. */
import type { ErrorCode, PageSelection } from "../schemas/generated/index.js";
import type { Condition } from "./condition.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { DocumentStore } from "./document-store.js";
import { hashMsgpackCanonical } from "./hashing.js";
import { type Page, page } from "./page.js";
import { type ImmutableRegistry, MutableRegistry, type Registry } from "./registry.js";
import type { Turns } from "./turns.js";

export interface Entry<V> {
  readonly name: string;
  readonly value: V;
  /** When the name was first registered, RFC 3339. */
  readonly registered_at: string;
  /** Differs where names or values do. */
  readonly revision: string;
}

export interface RegistryKind<V> {
  /** What an entry is called in messages, such as `view`. */
  readonly noun: string;
  readonly notFound: ErrorCode;
  /** Told of every value that an entry takes, and of its end. */
  readonly changed?: (name: string, value: V | undefined) => void;
}

export class DocumentRegistry<V extends object> implements Registry<string, Entry<V>> {
  readonly #kind: RegistryKind<V>;
  readonly #store: DocumentStore<Entry<V>>;
  readonly #turns: Turns;
  readonly #entries = new MutableRegistry<string, Entry<V>>();
  #registered = 0;
  #sorted: Entry<V>[] | undefined;
  #fingerprint: string | undefined;

  /** Registries with the same `turns` change one after the other, so that what one refers to in another stays. */
  constructor(kind: RegistryKind<V>, store: DocumentStore<Entry<V>>, turns: Turns) {
    this.#kind = kind;
    this.#store = store;
    this.#turns = turns;
  }

  async load(): Promise<void> {
    const entries = await this.#store.load();
    entries.sort((left, right) => compare(left.registered_at, right.registered_at));
    for (const entry of entries) this.#set(entry);
  }

  /** Registers what `make` gives, in place of what has the name; `make` refuses by throwing. */
  put(
    name: string,
    make: (before: V | undefined) => V | Promise<V>,
    condition: Condition = always,
  ): Promise<Entry<V> & { created: boolean }> {
    return this.#turns.run(async () => {
      const before = this.#entries.get(name);
      this.#require(name, condition, before);
      if (before === undefined) this.#store.requireRoom(this.#entries.size);
      const value = await make(before?.value);
      const registered_at = before?.registered_at ?? this.#nextTime();
      const entry = { name, value, registered_at, revision: hashMsgpackCanonical({ name, value }) };
      await this.#store.save(name, entry);
      this.#set(entry);
      return { ...entry, created: before === undefined };
    });
  }

  /** Forgets the entry unless `refuse` throws. */
  remove(name: string, condition: Condition = always, refuse: () => void | Promise<void> = noReason): Promise<void> {
    return this.#turns.run(async () => {
      this.#require(name, condition, this.entry(name));
      await refuse();
      await this.#store.remove(name);
      this.#entries.unregister(name);
      this.#forgetViews();
      this.#kind.changed?.(name, undefined);
    });
  }

  /** The entry, which must be there. */
  entry(name: string): Entry<V> {
    const entry = this.#entries.get(name);
    if (entry !== undefined) return entry;
    const { noun, notFound } = this.#kind;
    throw new DataFusionEngineError(`There is no ${noun} ${name}.`, { code: notFound });
  }

  /** The values of the entries, in the order in which they were first registered. */
  values(): [string, V][] {
    return this.#entries.entries().map(([name, { value }]) => [name, value]);
  }

  /** A page of the entries by name, of those that are `shown`. */
  list(selection: PageSelection, shown: (entries: Entry<V>[]) => Entry<V>[] = all): Page<Entry<V>> {
    this.#sorted ??= this.#entries
      .entries()
      .map(([, entry]) => entry)
      .sort((left, right) => compare(left.name, right.name));
    return page(shown(this.#sorted), selection, ({ name }) => name);
  }

  snapshot(): ImmutableRegistry<string, Entry<V>> {
    return this.#entries.snapshot();
  }

  /** Equal where names and values are. */
  fingerprint(): string {
    this.#fingerprint ??= hashMsgpackCanonical(
      Object.fromEntries(this.#entries.entries().map(([name, { revision }]) => [name, revision])),
    );
    return this.#fingerprint;
  }

  get(name: string): Entry<V> | undefined {
    return this.#entries.get(name);
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  keys(): string[] {
    return this.#entries.keys();
  }

  entries(): [string, Entry<V>][] {
    return this.#entries.entries();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Later than any entry's, so that times tell the order. */
  #nextTime(): string {
    return new Date(Math.max(Date.now(), this.#registered + 1)).toISOString();
  }

  #set(entry: Entry<V>): void {
    this.#registered = Math.max(this.#registered, Date.parse(entry.registered_at));
    this.#entries.register(entry.name, entry, { overwrite: true });
    this.#forgetViews();
    this.#kind.changed?.(entry.name, entry.value);
  }

  #forgetViews(): void {
    this.#sorted = undefined;
    this.#fingerprint = undefined;
  }

  #require(name: string, condition: Condition, entry: Entry<V> | undefined): void {
    if (condition(entry?.revision)) return;
    throw new DataFusionEngineError(`The ${this.#kind.noun} ${name} is not as the condition expects.`, {
      code: "precondition_failed",
    });
  }
}

const always: Condition = () => true;

function all<T>(entries: T[]): T[] {
  return entries;
}

function noReason(): void {}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
