/** Makes operations at random, no two with the same rows or the same id. */
import type { Condition, Operation, OperationKind, Row } from "./operations.js";
import type { SeededRandom } from "./seeded-random.js";

/** How often each kind comes, of a hundred. */
export const mixture: Readonly<Record<OperationKind, number>> = {
  append: 45,
  update: 18,
  merge: 15,
  delete: 12,
  optimize: 8,
  overwrite: 2,
};

export class OperationSource {
  readonly #random: SeededRandom;
  readonly #kinds: OperationKind[];
  readonly #settled: number[] = [];
  #rows = 0;
  #operations = 0;

  constructor(random: SeededRandom, weights: Partial<Record<OperationKind, number>> = mixture) {
    this.#random = random;
    this.#kinds = Object.entries(weights).flatMap(([kind, weight]) => Array(weight).fill(kind));
  }

  next(kind: OperationKind = this.#random.pick(this.#kinds)): Operation {
    const id = `${kind}-${++this.#operations}`;
    if (kind === "append") return { id, kind, rows: this.newRows(id, this.#random.between(1, 8)) };
    if (kind === "overwrite") return { id, kind, rows: this.newRows(id, 40) };
    if (kind === "merge") return { id, kind, rows: [...this.#knownRows(id, 4), ...this.newRows(id, 2)] };
    if (kind === "delete") return { id, kind, where: this.#condition(11) };
    if (kind === "update") return { id, kind, where: this.#condition(5), add: this.#random.between(1, 9) };
    return { id, kind, zOrder: this.#random.below(3) === 0 };
  }

  newRows(origin: string, count: number): Row[] {
    return Array.from({ length: count }, () => this.#row(++this.#rows, origin));
  }

  /** Lets later merges meet the rows of an operation that has ended; an append under way knows nothing of a merge. */
  settle(operation: Operation): void {
    if ("rows" in operation) this.#settled.push(...operation.rows.map(({ id }) => id));
  }

  /** Rows with numbers that were given before; they may be gone from the table. */
  #knownRows(origin: string, most: number): Row[] {
    const count = Math.min(most, this.#settled.length);
    const numbers = new Set(Array.from({ length: count }, () => this.#random.pick(this.#settled)));
    return Array.from(numbers, (id) => this.#row(id, origin));
  }

  #row(id: number, origin: string): Row {
    return { id, origin, writer: origin, amount: this.#random.below(1000) };
  }

  #condition(modulus: number): Condition {
    const from = this.#random.below(Math.max(1, this.#rows));
    const width = this.#random.pick([10, 100, 1_000_000]);
    return { from, below: from + width, modulus, remainder: this.#random.below(modulus) };
  }
}
