/** A query on its way to a kept result, which equal queries wait for instead of running too. */
import type { NativeQuery } from "./native.js";

/** How long others wait once the first rows are there: from then on its own reader may hold it up. */
const patienceMs = 5_000;

export class Flight {
  readonly #native: NativeQuery;
  readonly #landed: Promise<boolean>;
  readonly #late: Promise<boolean>;
  #begin: () => void = () => undefined;

  /** `landed` resolves when the result is there, or won't be. */
  constructor(native: NativeQuery, landed: Promise<void>) {
    this.#native = native;
    this.#landed = landed.then(() => true);
    this.#late = new Promise((resolve) => {
      this.#begin = () => setTimeout(resolve, patienceMs, false).unref();
    });
  }

  /** Its first rows are there. */
  begin(): void {
    this.#begin();
  }

  /** Waits for its end; whether to look for its result, or that of whoever takes over after one that was given up. */
  async wait(hasResult: () => boolean): Promise<boolean> {
    const hasLanded = await Promise.race([this.#landed, this.#late]);
    return hasLanded && (hasResult() || this.#native.isCanceled);
  }

  /** Resolves when it has come to its end. */
  async end(): Promise<void> {
    await this.#landed;
  }
}
