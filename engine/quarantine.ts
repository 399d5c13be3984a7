/** Statements that ended the process that ran them: refused from then on; and those that may have been it, of which one runs at a time. */
import type { QuarantineEntry, QuarantineList, QuarantineState } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { DocumentStore } from "./document-store.js";
import type { Log } from "./log.js";
import { MutableRegistry } from "./registry.js";
import type { RunningWork } from "./running-work.js";
import { Turns } from "./turns.js";

/** How a process ends that was killed from outside, or because memory ran out: no statement is to blame for sure. */
const killed = "SIGKILL";

export class Quarantine {
  readonly #store: DocumentStore<QuarantineEntry>;
  readonly #log: Log;
  readonly #entries = new MutableRegistry<string, QuarantineEntry>();
  readonly #changes = new Turns();
  /** Resolves when the suspects that came before have ended. */
  #suspects: Promise<void> = Promise.resolve();

  constructor(store: DocumentStore<QuarantineEntry>, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  async load(): Promise<void> {
    for (const entry of await this.#store.load()) this.#entries.register(entry.id, entry);
  }

  /** Judges what ran when the process before ended. One that was suspected ran without any other suspect, so it was the one;
   * so was one that ran alone. Otherwise all are suspected. */
  async blame(work: readonly RunningWork[], lost: string): Promise<void> {
    const open = work.filter(({ statement }) => this.#entries.get(statement)?.status !== "quarantined");
    const statements = new Map(open.map((each) => [each.statement, each]));
    const suspects = [...statements.values()].filter(({ statement }) => this.isSuspected(statement));
    const isAlone = statements.size === 1 && lost !== killed;
    const [only] = isAlone ? statements.values() : suspects.length === 1 ? suspects : [];
    if (only !== undefined) return this.#put(only, "quarantined", lost);
    for (const each of statements.values()) await this.#put(each, "suspected", lost);
  }

  list(): QuarantineList {
    return { items: this.#entries.entries().map(([, entry]) => entry) };
  }

  /** Lets a statement run again. */
  async release(id: string): Promise<void> {
    const isKnown = this.#entries.unregister(id);
    if (!isKnown)
      throw new DataFusionEngineError(`No statement ${id} is in quarantine.`, { code: "quarantine_not_found" });
    await this.#changes.run(() => this.#store.remove(id));
  }

  /** Has a statement refused from now on. */
  hold(work: RunningWork, lost: string): Promise<void> {
    return this.#put(work, "quarantined", lost);
  }

  /** Refuses a quarantined statement. */
  require(statement: string): void {
    const entry = this.#entries.get(statement);
    if (entry?.status !== "quarantined") return;
    const message = `The statement ended the process that ran it (${entry.lost}); it is in quarantine.`;
    const { id, since, query_id } = entry;
    throw new DataFusionEngineError(message, { code: "statement_quarantined", details: { id, since, query_id } });
  }

  isSuspected(statement: string): boolean {
    return this.#entries.get(statement)?.status === "suspected";
  }

  /** Resolves when it is the turn of a suspect, which lasts until `ended` resolves. */
  turn(ended: Promise<void>): Promise<void> {
    const turn = this.#suspects;
    this.#suspects = turn.then(() => ended);
    return turn;
  }

  /** A suspect that has succeeded was not it. */
  clear(statement: string): void {
    if (!this.isSuspected(statement)) return;
    this.release(statement).catch((err) => this.#log.warn({ err, statement }, "a statement stays suspected"));
  }

  async #put(work: RunningWork, status: QuarantineState, lost: string): Promise<void> {
    const { statement, sql } = work;
    const query = work.entry && { query_id: work.entry.status.query_id };
    const entry = { id: statement, status, sql, lost, since: new Date().toISOString(), ...query };
    this.#log.warn({ entry }, "a statement is in quarantine");
    this.#entries.register(entry.id, entry, { overwrite: true });
    await this.#changes.run(() => this.#store.save(entry.id, entry));
  }
}
