/** Everything that is wrong with a pipeline, each fault with its place. */
import type { ValidationFailure } from "../../schemas/generated/index.js";
import { InvalidEntry } from "../invalid-entry.js";

export class Faults {
  readonly #failures: ValidationFailure[] = [];

  add(pointer: string, keyword: string, message: string): void {
    this.#failures.push({ pointer, keyword, message });
  }

  /** Those of a part, whose places are within `pointer`. */
  addWithin(pointer: string, failures: readonly ValidationFailure[] = []): void {
    for (const failure of failures) this.#failures.push({ ...failure, pointer: `${pointer}${failure.pointer}` });
  }

  get areNone(): boolean {
    return this.#failures.length === 0;
  }

  /** Refuses what has any, with all of them. */
  refuse(): void {
    if (!this.areNone) throw new InvalidEntry(this.#failures);
  }
}
