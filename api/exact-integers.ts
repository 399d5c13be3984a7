/**
 * Lets a validator that knows only numbers check a value that holds bigints: while it looks, the longest safe integer
 * stands in for each, so that an unsafe number can only be a float.
 */
import type { ValidationFailure } from "../schemas/generated/index.js";

type Holder = Record<string, unknown>;

interface Slot {
  readonly holder: Holder;
  readonly key: string;
  readonly value: bigint;
  readonly pointer: string;
}

const smallest = -(2n ** 63n);
const largest = 2n ** 63n - 1n;
const deepest = 64;

export class ExactIntegers {
  readonly failures: readonly ValidationFailure[];
  /** How many values there are inside. */
  count = 0;
  readonly #slots: Slot[] = [];

  /** Takes every bigint out of the value. */
  constructor(value: unknown) {
    const tooDeep = !this.#collect(value, "", 0);
    this.failures = tooDeep ? [nestedTooDeep] : this.#slots.filter(isTooWide).map(tooWide);
    for (const { holder, key, value } of this.#slots)
      holder[key] = value < 0n ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
  }

  putBack(): void {
    for (const { holder, key, value } of this.#slots) holder[key] = value;
  }

  #collect(value: unknown, pointer: string, depth: number): boolean {
    this.count += 1;
    if (value === null || typeof value !== "object" || value instanceof Uint8Array) return true;
    if (depth > deepest) return false;
    const holder = value as Holder;
    return Object.keys(holder).every((key) => {
      const inner = holder[key];
      const place = `${pointer}/${key}`;
      if (typeof inner === "bigint") this.#slots.push({ holder, key, value: inner, pointer: place });
      return this.#collect(inner, place, depth + 1);
    });
  }
}

const nestedTooDeep = { pointer: "", message: `must not nest deeper than ${deepest} levels`, keyword: "depth" };

function isTooWide({ value }: Slot): boolean {
  return value < smallest || value > largest;
}

function tooWide({ pointer }: Slot): ValidationFailure {
  return {
    pointer,
    message: "must fit in a signed 64-bit integer; pass a wider one as a typed text",
    keyword: "format",
  };
}
