/** Values of parameter tables that sessions hold; they last as long as their sessions, also over a restart. */
import type { ParameterArtifact } from "../schemas/generated/index.js";
import type { DocumentStore } from "./document-store.js";
import { MutableRegistry } from "./registry.js";

/** Those of one session, by the names of the tables. */
export interface StoredValues {
  readonly session_id: string;
  readonly values: Readonly<Record<string, ParameterArtifact>>;
}

export class SessionValues {
  readonly #store: DocumentStore<StoredValues>;
  readonly #sessions = new MutableRegistry<string, StoredValues>();

  constructor(store: DocumentStore<StoredValues>) {
    this.#store = store;
  }

  async load(): Promise<void> {
    for (const stored of await this.#store.load()) this.#sessions.register(stored.session_id, stored);
  }

  of(session_id: string): Readonly<Record<string, ParameterArtifact>> {
    return this.#sessions.get(session_id)?.values ?? {};
  }

  async set(session_id: string, table: string, artifact: ParameterArtifact): Promise<void> {
    await this.#save({ session_id, values: { ...this.of(session_id), [table]: artifact } });
  }

  /** Drops what sessions hold of a table. */
  async forget(table: string): Promise<void> {
    for (const [session_id, { values }] of this.#sessions.entries()) {
      const { [table]: held, ...others } = values;
      if (held !== undefined) await this.#save({ session_id, values: others });
    }
  }

  /** Drops what sessions held that are gone. */
  async sweep(isOpen: (session_id: string) => boolean): Promise<void> {
    for (const session_id of this.#sessions.keys()) {
      if (isOpen(session_id)) continue;
      this.#sessions.unregister(session_id);
      await this.#store.remove(session_id);
    }
  }

  artifacts(): ParameterArtifact[] {
    return this.#sessions.entries().flatMap(([, { values }]) => Object.values(values));
  }

  async #save(stored: StoredValues): Promise<void> {
    await this.#store.save(stored.session_id, stored);
    this.#sessions.register(stored.session_id, stored, { overwrite: true });
  }
}
