/** MessagePack with exact 64-bit integers: safe ones are numbers, the others bigints, in both directions. */
import { Decoder, Encoder } from "@msgpack/msgpack";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";

const smallest = -(2n ** 63n);
const largest = 2n ** 64n - 1n;
/** How many lists and maps a value may nest; Rust reads no more than 1024. */
const deepest = 1000;

/** Used again and again; one that has grown for a large value is left to the collector. */
const largestKept = 2 ** 16;
const decoder = new Decoder({ useBigInt64: true });
let encoder = newEncoder();

export function encode(value: unknown): Buffer {
  const bytes = Buffer.from(encoder.encodeSharedRef(widen(value, 0)));
  if (bytes.length > largestKept) encoder = newEncoder();
  return bytes;
}

export function decode<T>(bytes: Uint8Array): T {
  return narrow(decoder.decode(bytes)) as T;
}

function newEncoder(): Encoder {
  return new Encoder({ useBigInt64: true, ignoreUndefined: true, sortKeys: false, maxDepth: deepest + 1 });
}

/** The library writes integers from 2^32 on as floats unless they are bigints. */
function widen(value: unknown, depth: number): unknown {
  if (typeof value === "number") return isLongInteger(value) ? BigInt(value) : value;
  if (typeof value === "bigint") return checkedInteger(value);
  if (typeof value === "string") return checkedText(value);
  if (depth > deepest) throw tooDeep();
  if (Array.isArray(value)) return value.map((inner) => widen(inner, depth + 1));
  return isMap(value) ? widenMap(value, depth) : value;
}

/** Most hold nothing that changes, and aren't copied. */
function widenMap(map: Record<string, unknown>, depth: number): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(map)) {
    const inner = widen(map[checkedText(key)], depth + 1);
    if (inner === map[key]) continue;
    copy ??= { ...map };
    copy[key] = inner;
  }
  return copy ?? map;
}

/** In place: nobody else has what was just read. */
function narrow(value: unknown): unknown {
  if (typeof value === "bigint") return isSafe(value) ? Number(value) : value;
  if (Array.isArray(value) || isMap(value)) narrowInside(value as Record<string, unknown>);
  return value;
}

function narrowInside(value: Record<string, unknown>): void {
  for (const key of Object.keys(value)) value[key] = narrow(value[key]);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !(value instanceof Uint8Array);
}

function isLongInteger(value: number): boolean {
  return Number.isSafeInteger(value) && (value >= 2 ** 32 || value < -(2 ** 31));
}

function isSafe(value: bigint): boolean {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
}

function checkedInteger(value: bigint): bigint {
  if (value >= smallest && value <= largest) return value;
  throw new DataFusionEngineError(`The integer ${value} does not fit in 64 bits.`, { code: "invalid_request" });
}

function tooDeep(): DataFusionEngineError {
  return new DataFusionEngineError(`A value nests more than ${deepest} lists and objects.`, {
    code: "invalid_request",
  });
}

function checkedText(value: string): string {
  if (value.isWellFormed()) return value;
  throw new DataFusionEngineError("A text holds half of a surrogate pair, which UTF-8 cannot carry.", {
    code: "invalid_request",
  });
}
