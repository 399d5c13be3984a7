/** Writes canonical MessagePack leaf by leaf with the library, whose own order of keys and floats are others. */
import { encode } from "@msgpack/msgpack";
import type { Notation, Text } from "./canonical-cases.js";

/** The names of the types have one key each. */
export function canonicalBytes(value: Notation): Buffer {
  if ("null" in value) return leaf(null);
  if ("bool" in value) return leaf(value.bool);
  if ("int" in value) return integer(BigInt(value.int));
  if ("float" in value) return Buffer.from(encode(Number(value.float), { forceIntegerToFloat: true }));
  if ("bytes" in value) return leaf(Buffer.from(value.bytes, "hex"));
  if ("list" in value) return list(value.list.map(canonicalBytes));
  if ("map" in value) return map(value.map.map(([name, inner]) => [textOf(name), canonicalBytes(inner)]));
  if ("bytes_of" in value) return leaf(Buffer.from(value.bytes_of[0].repeat(value.bytes_of[1]), "hex"));
  if ("list_of" in value) return list(Array(value.list_of[1]).fill(canonicalBytes(value.list_of[0])));
  if ("map_of" in value) return map(numbersBelow(value.map_of));
  if ("nested" in value) return Buffer.from([...Array(value.nested - 1).fill(0x91), 0x90]);
  if ("text_of" in value) return leaf(value.text_of[0].repeat(value.text_of[1]));
  if ("undefined" in value) throw new Error("undefined has no bytes");
  return leaf(textOf(value));
}

function textOf(text: Text): string {
  if ("text" in text) return text.text;
  throw new Error("what is written as code units is not well-formed");
}

/** The library writes bigints in eight bytes, and of the numbers those from 2^32 on as floats. */
function integer(value: bigint): Buffer {
  const isShort = value >= -(2n ** 31n) && value < 2n ** 32n;
  return Buffer.from(encode(isShort ? Number(value) : value, { useBigInt64: true }));
}

function list(items: readonly Buffer[]): Buffer {
  return Buffer.concat([header(0x90, 0xdc, items.length), ...items]);
}

function map(entries: readonly (readonly [string, Buffer])[]): Buffer {
  const named = entries.map(([name, value]) => ({ name: Buffer.from(name), bytes: [leaf(name), value] }));
  named.sort((left, right) => Buffer.compare(left.name, right.name));
  return Buffer.concat([header(0x80, 0xde, entries.length), ...named.flatMap(({ bytes }) => bytes)]);
}

function numbersBelow(count: number): [string, Buffer][] {
  return Array.from({ length: count }, (_, index) => [String(index), integer(BigInt(index))]);
}

function header(short: number, long: number, length: number): Buffer {
  if (length < 16) return Buffer.of(short | length);
  if (length < 2 ** 16) return Buffer.of(long, length >> 8, length & 0xff);
  const bytes = Buffer.of(long + 1, 0, 0, 0, 0);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

function leaf(value: null | boolean | string | Uint8Array): Buffer {
  return Buffer.from(encode(value));
}
