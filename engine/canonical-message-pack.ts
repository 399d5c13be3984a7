/** Canonical MessagePack: the one form in bytes that a value has in every language; `schemas/canonical/` has its rules. */
import { DataFusionEngineError } from "./data-fusion-engine-error.js";

/** A number that is a float though it may have no fraction: a bare 1 is the integer. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** How many lists and maps a value may nest. */
const deepest = 128;

export function canonicalMessagePack(value: unknown): Uint8Array {
  const writer = new Writer();
  writer.write(value, 0);
  return writer.bytes();
}

class Writer {
  #buffer = Buffer.allocUnsafe(512);
  #length = 0;

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  write(value: unknown, depth: number): void {
    if (typeof value === "string") this.#text(value);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "boolean") this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === "bigint") this.#bigint(value);
    else if (value === null) this.#byte(0xc0);
    else if (typeof value === "object") this.#object(value, depth);
    else throw refused(`holds ${value === undefined ? "undefined" : `a ${typeof value}`}`);
  }

  #object(value: object, depth: number): void {
    if (isPlain(value)) this.#map(value, deeper(depth));
    else if (Array.isArray(value)) this.#list(value, deeper(depth));
    else if (value instanceof Float) this.#float(value.value);
    else if (value instanceof Uint8Array) this.#binary(value);
    else throw refused(`holds a ${value.constructor?.name}`);
  }

  #list(items: readonly unknown[], depth: number): void {
    this.#header(items.length, 0x90, 16, 0xdc);
    for (let index = 0; index < items.length; index++) this.write(items[index], depth);
  }

  #map(fields: Readonly<Record<string, unknown>>, depth: number): void {
    const keys = Object.keys(fields).sort(byUtf8);
    this.#header(keys.length, 0x80, 16, 0xde);
    for (const key of keys) {
      this.#text(key);
      this.write(fields[key], depth);
    }
  }

  /** An integer where it is one and exact, else a float: -0 is none, and beyond 2^53 the integers are bigints. */
  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.#float(value);
    else if (value < 0) this.#negative(value);
    else if (value < 0x80) this.#byte(value);
    else if (value <= 0xff) this.#sized(0xcc, value, 1);
    else if (value <= 0xffff) this.#sized(0xcd, value, 2);
    else if (value <= 0xffffffff) this.#sized(0xce, value, 4);
    else this.#long(BigInt(value));
  }

  #negative(value: number): void {
    if (value >= -0x20) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#sized(0xd0, value & 0xff, 1);
    else if (value >= -0x8000) this.#sized(0xd1, value & 0xffff, 2);
    else if (value >= -0x80000000) this.#sized(0xd2, value >>> 0, 4);
    else this.#long(BigInt(value));
  }

  #bigint(value: bigint): void {
    if (BigInt.asIntN(53, value) === value) this.#number(Number(value));
    else if (BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value) this.#long(value);
    else throw refused(`holds the integer ${value}, which does not fit in 64 bits`);
  }

  #long(value: bigint): void {
    this.#byte(value < 0n ? 0xd3 : 0xcf);
    this.#reserve(8);
    this.#buffer.writeBigUInt64BE(BigInt.asUintN(64, value), this.#length);
    this.#length += 8;
  }

  #float(value: number): void {
    if (Number.isNaN(value)) throw refused("holds NaN");
    this.#byte(0xcb);
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleBE(value, this.#length);
  }

  #text(text: string): void {
    if (text.length < 128 && this.#shortAscii(text)) return;
    if (!text.isWellFormed()) throw refused("holds a text with half of a surrogate pair, which UTF-8 cannot carry");
    const length = Buffer.byteLength(text);
    this.#header(length, 0xa0, 32, 0xda, 0xd9);
    this.#reserve(length);
    this.#length += this.#buffer.write(text, this.#length, length, "utf8");
  }

  /** Most names are so; false, with nothing written, for a text that is not. */
  #shortAscii(text: string): boolean {
    const before = this.#length;
    this.#header(text.length, 0xa0, 32, 0xda, 0xd9);
    this.#reserve(text.length);
    const buffer = this.#buffer;
    let end = this.#length;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) {
        this.#length = before;
        return false;
      }
      buffer[end++] = unit;
    }
    this.#length = end;
    return true;
  }

  #binary(bytes: Uint8Array): void {
    this.#header(bytes.length, 0, 0, 0xc5, 0xc4);
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The shortest header for a length: within the first byte, or in one, two or four bytes after it. */
  #header(length: number, fixed: number, fixedBelow: number, two: number, one?: number): void {
    if (length < fixedBelow) this.#byte(fixed | length);
    else if (one !== undefined && length <= 0xff) this.#sized(one, length, 1);
    else if (length <= 0xffff) this.#sized(two, length, 2);
    else this.#sized(two + 1, length, 4);
  }

  #sized(head: number, value: number, size: 1 | 2 | 4): void {
    this.#byte(head);
    this.#reserve(size);
    this.#length = this.#buffer.writeUIntBE(value, this.#length, size);
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = byte;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + size));
    grown.set(this.bytes());
    this.#buffer = grown;
  }
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function deeper(depth: number): number {
  if (depth === deepest) throw refused(`nests more than ${deepest} lists and maps, or itself`);
  return depth + 1;
}

/** UTF-8 has the order of code points; UTF-16 has those beyond 2^16 before U+E000. */
function byUtf8(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const difference = rank(left.charCodeAt(index)) - rank(right.charCodeAt(index));
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function refused(what: string): DataFusionEngineError {
  return new DataFusionEngineError(`The value ${what}, so it has no canonical form.`, { code: "invalid_request" });
}
