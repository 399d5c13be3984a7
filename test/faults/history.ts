/** Checks that a table's versions are what the acknowledged operations make of it, each applied once, in the order of its commits. */

import type { Outcome } from "./numbered-table.js";
import { applied, type Operation, type Rows, sameRows } from "./operations.js";

export type ReadVersion = (version: number) => Promise<Rows>;

type Done = Extract<Outcome, { ended: "done" }>;

export class History {
  readonly #read: ReadVersion;
  #version: number;
  #rows: Rows;
  readonly #claims = new Map<number, Operation[]>();
  #unknown = new Set<Operation>();
  readonly faults: string[] = [];
  /** Operations that happened although nobody heard of it. */
  surprises = 0;

  private constructor(read: ReadVersion, version: number, rows: Rows) {
    this.#read = read;
    this.#version = version;
    this.#rows = rows;
  }

  /** A history that goes on from a version. */
  static async from(read: ReadVersion, version: number): Promise<History> {
    return new History(read, version, await read(version));
  }

  get version(): number {
    return this.#version;
  }

  add(outcomes: Outcome[]): void {
    for (const outcome of outcomes) {
      if (outcome.ended === "unknown") this.#unknown.add(outcome.operation);
      if (outcome.ended === "done") this.#claim(outcome);
    }
  }

  #claim({ operation, version, after }: Done): void {
    if (version < after)
      this.faults.push(`${operation.id} says version ${version}, but began after ${after} was acknowledged`);
    if (version < this.#version) this.faults.push(`${operation.id} says version ${version}, which was there before it`);
    this.#claims.set(version, [...(this.#claims.get(version) ?? []), operation]);
  }

  /** Replays the versions up to `newest`. Whatever is unknown after it never happened. */
  async replay(newest: number): Promise<void> {
    const base = this.#claims.get(this.#version) ?? [];
    for (const operation of base) this.#mustBeIdle(operation, this.#rows, this.#version);
    for (let version = this.#version + 1; version <= newest; version++) {
      const rows = await this.#read(version);
      this.#explain(version, rows);
      [this.#rows, this.#version] = [rows, version];
    }
    for (const [version, operations] of this.#claims) {
      if (version > newest)
        this.faults.push(`${idsOf(operations)} acknowledged at ${version}, but the table ends at ${newest}`);
    }
    this.#claims.clear();
    this.#unknown = new Set();
  }

  /** Appends add up; at most one other operation has changed the rows, and the rest had nothing to do. */
  #explain(version: number, rows: Rows): void {
    const claimed = this.#claims.get(version) ?? [];
    const appended = this.#appendedIn(rows);
    const appends = [...claimed.filter(isAppend), ...appended];
    const withAppends = appends.reduce(applied, this.#rows);
    const others = claimed.filter((operation) => !isAppend(operation));
    const change = this.#changeBetween(withAppends, rows, others, claimed.length + appended.length > 0);
    if (change === undefined) this.faults.push(this.#unexplained(version, claimed, rows));
    for (const operation of others) if (operation !== change) this.#mustBeIdle(operation, rows, version);
    for (const operation of [...appended, change])
      if (operation && this.#unknown.delete(operation)) this.surprises += 1;
  }

  /** Appends of unknown end whose rows are new. */
  #appendedIn(rows: Rows): Operation[] {
    const origins = new Set(Array.from(rows.values(), (row) => row.origin));
    return [...this.#unknown].filter((operation) => isAppend(operation) && origins.has(operation.id));
  }

  /** The operation that leads from one to the other; null where none is needed, undefined where none does. */
  #changeBetween(before: Rows, after: Rows, claimed: Operation[], quiet: boolean): Operation | null | undefined {
    const explains = (operation: Operation) => sameRows(applied(before, operation), after);
    const acknowledged = claimed.find((operation) => operation.kind !== "optimize" && explains(operation));
    if (acknowledged) return acknowledged;
    if (quiet && sameRows(before, after)) return null;
    return [...this.#unknown].find(explains);
  }

  #mustBeIdle(operation: Operation, rows: Rows, version: number): void {
    if (sameRows(applied(rows, operation), rows)) return;
    this.faults.push(`${operation.id} was acknowledged at version ${version} and is not in it`);
  }

  #unexplained(version: number, claimed: Operation[], rows: Rows): string {
    const expected = claimed.reduce(applied, this.#rows);
    const ids = new Set([...rows.keys(), ...expected.keys()]);
    const id = [...ids].find((id) => JSON.stringify(rows.get(id)) !== JSON.stringify(expected.get(id)));
    const [is, should] = [rows, expected].map((side) => JSON.stringify(side.get(id ?? 0)) ?? "missing");
    return `version ${version} is not what ${idsOf(claimed)} makes of ${version - 1}: row ${id} is ${is}, and should be ${should}`;
  }
}

function isAppend(operation: Operation): boolean {
  return operation.kind === "append";
}

function idsOf(operations: Operation[]): string {
  return operations.map(({ id }) => id).join(" and ") || "no operation";
}
