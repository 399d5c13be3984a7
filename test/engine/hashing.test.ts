/** Canonical MessagePack: the published vectors, and that the form of a value is one and its own. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { canonicalMessagePack, Float } from "../../engine/canonical-message-pack.js";
import { decode } from "../../engine/codec.js";
import { CacheKeyBuilder, hashMsgpackCanonical, hashText } from "../../engine/hashing.js";
import type { Notation, Text } from "../../schemas/codegen/canonical-cases.js";
import { inRoot } from "../../setup/places.mjs";

interface Vector {
  readonly name: string;
  readonly value: Notation;
  readonly bytes?: string;
  readonly sha256: string;
  readonly refused?: true;
}

const { vectors } = JSON.parse(readFileSync(inRoot("schemas/canonical/vectors.json"), "utf8")) as { vectors: Vector[] };
const refusal = { name: "DataFusionEngineError", code: "invalid_request" };

const integer = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n })
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
const text = fc.string({ unit: "binary", maxLength: 300 });
const key = fc.oneof(
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.constantFrom("\ue000", "\uffff", "\u{10000}", "a", "aa"),
);
const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  integer,
  fc.double({ noNaN: true }),
  text,
  fc.uint8Array({ maxLength: 300 }),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(tie("value")),
    fc.dictionary(key, tie("value"), { maxKeys: 20, noNullPrototype: true }),
  ),
}));

describe("canonical MessagePack", () => {
  for (const vector of vectors) {
    it(vector.name, () => {
      if (vector.refused) assert.throws(() => hashMsgpackCanonical(meant(vector.value)), refusal);
      else checkVector(vector);
    });
  }

  it("is read as the value that it was", () => {
    fc.assert(
      fc.property(value, (given) => assert.deepEqual(decode(Uint8Array.from(canonicalMessagePack(given))), given)),
    );
  });

  it("has its names in the order of their bytes", () => {
    const names = (given: object) => {
      const keys = Object.keys(decode<object>(canonicalMessagePack(given))).filter((name) => !/^\d+$/.test(name));
      return keys.map((name) => Buffer.from(name));
    };
    fc.assert(
      fc.property(fc.dictionary(key, fc.constant(0), { noNullPrototype: true }), (given) => {
        assert.deepEqual(names(given), names(given).toSorted(Buffer.compare));
      }),
    );
  });

  it("does not depend on the order of names", () => {
    fc.assert(
      fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (given) => {
        const reversed = Object.fromEntries(Object.entries(given).reverse());
        assert.deepEqual(canonicalMessagePack(reversed), canonicalMessagePack(given));
      }),
    );
  });

  it("is another for another value", () => {
    fc.assert(
      fc.property(value, value, (left, right) => {
        const isSame = hashMsgpackCanonical(left) === hashMsgpackCanonical(right);
        assert.equal(isSame, deepEqual(left, right));
      }),
    );
  });

  it("keeps the float apart from the integer, and -0.0 from both", () => {
    const forms = [1, new Float(1), "1", 0, new Float(0), -0, true, null, [1], { 1: 1 }];
    assert.equal(new Set(forms.map(hashMsgpackCanonical)).size, forms.length);
    assert.equal(hashMsgpackCanonical(-0), hashMsgpackCanonical(new Float(-0)));
    assert.equal(hashMsgpackCanonical(0.5), hashMsgpackCanonical(new Float(0.5)));
    assert.equal(hashMsgpackCanonical(7), hashMsgpackCanonical(7n));
  });

  it("refuses what only JavaScript has", () => {
    const loop: unknown[] = [];
    loop.push(loop);
    const others = [
      new Map(),
      new Set(),
      new Date(),
      /a/,
      () => 1,
      Symbol("a"),
      new Float64Array(1),
      Object(1),
      Array(1),
    ];
    for (const given of [...others, new Float(Number.NaN), loop, new (class Point {})()]) {
      assert.throws(() => hashMsgpackCanonical(given), refusal, String(given));
      assert.throws(() => hashMsgpackCanonical({ inside: [given] }), refusal);
    }
  });
});

describe("CacheKeyBuilder", () => {
  const parts = Object.entries({ sql: "SELECT 1", version: 2n ** 60n, settings: { time_zone: "UTC" } });
  const key = (entries: [string, unknown][]) =>
    entries.reduce((builder, [name, part]) => builder.add(name, part), new CacheKeyBuilder("result")).build();

  it("makes prefix:digest, whatever the order", () => {
    assert.match(key(parts), /^result:[0-9a-f]{64}$/);
    assert.equal(key(parts.toReversed()), key(parts));
    assert.equal(key(parts), `result:${hashMsgpackCanonical(Object.fromEntries(parts))}`);
  });

  it("tells every name, value and prefix apart", () => {
    const others = [[], parts.slice(1), [...parts, ["a", 1]], [["a", 1]], [["b", 1]], [["a", new Float(1)]]];
    const keys = [key(parts), ...others.map((entries) => key(entries as [string, unknown][]))];
    assert.equal(new Set(keys).size, keys.length);
    assert.notEqual(new CacheKeyBuilder("plan").build(), new CacheKeyBuilder("result").build());
  });

  it("refuses a name twice and an empty prefix", () => {
    assert.throws(() => new CacheKeyBuilder("a").add("b", 1).add("b", 1), refusal);
    assert.throws(() => new CacheKeyBuilder(""), refusal);
  });
});

describe("hashText", () => {
  it("is the SHA-256 of the text in UTF-8", () => {
    assert.equal(hashText("Zürich"), "4251685e06cab635578c72b1f5f221e9840a05ac4d8f2404be4177aa87f9907d");
  });
});

function checkVector({ value: notation, bytes, sha256 }: Vector): void {
  const given = meant(notation);
  if (bytes !== undefined) assert.equal(Buffer.from(canonicalMessagePack(given)).toString("hex"), bytes);
  assert.equal(hashMsgpackCanonical(given), sha256);
}

function meant(notation: Notation): unknown {
  if ("null" in notation) return null;
  if ("bool" in notation) return notation.bool;
  if ("int" in notation) return plainInteger(BigInt(notation.int));
  if ("float" in notation) return new Float(Number(notation.float));
  if ("bytes" in notation) return Buffer.from(notation.bytes, "hex");
  if ("list" in notation) return notation.list.map(meant);
  if ("map" in notation) return Object.fromEntries(notation.map.map(([name, inner]) => [textOf(name), meant(inner)]));
  if ("text_of" in notation) return notation.text_of[0].repeat(notation.text_of[1]);
  if ("bytes_of" in notation) return Buffer.from(notation.bytes_of[0].repeat(notation.bytes_of[1]), "hex");
  if ("list_of" in notation) return Array(notation.list_of[1]).fill(meant(notation.list_of[0]));
  if ("map_of" in notation)
    return Object.fromEntries(Array.from({ length: notation.map_of }, (_, at) => [`${at}`, at]));
  if ("nested" in notation) return nested(notation.nested);
  return "undefined" in notation ? undefined : textOf(notation);
}

function textOf(notation: Text): string {
  if ("text" in notation) return notation.text;
  const units = notation.utf16.match(/.{4}/g) ?? [];
  return String.fromCharCode(...units.map((unit) => Number.parseInt(unit, 16)));
}

function plainInteger(integer: bigint): number | bigint {
  return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
}

function nested(levels: number): unknown[] {
  return levels === 1 ? [] : [nested(levels - 1)];
}

function deepEqual(left: unknown, right: unknown): boolean {
  try {
    assert.deepStrictEqual(left, right);
    return true;
  } catch {
    return false;
  }
}
