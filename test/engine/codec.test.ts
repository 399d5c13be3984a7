/** MessagePack keeps every integer. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decode, encode } from "../../engine/codec.js";

const integer = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
const text = fc.string({ unit: "grapheme" });
const key = text.filter((name) => name !== "__proto__");
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    integer,
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
    text,
    fc.array(tie("value")),
    fc.dictionary(key, tie("value"), { noNullPrototype: true }),
  ),
}));

describe("codec", () => {
  it("gives back what it was given", () => {
    fc.assert(fc.property(value, (given) => assert.deepEqual(decode(encode(given)), given)));
  });

  it("writes integers as integers, however long", () => {
    const formats: readonly [number | bigint, string][] = [
      [2 ** 32, "cf0000000100000000"],
      [Number.MAX_SAFE_INTEGER, "cf001fffffffffffff"],
      [2n ** 63n - 1n, "cf7fffffffffffffff"],
      [-(2 ** 31) - 1, "d3ffffffff7fffffff"],
      [-(2n ** 63n), "d38000000000000000"],
    ];
    for (const [given, bytes] of formats) assert.equal(encode(given).toString("hex"), bytes);
  });

  it("leaves what was written before as it was, large or small", () => {
    const values = ["x".repeat(1000), "y".repeat(200_000), "z".repeat(1000), { deep: ["y".repeat(70_000)] }, 1];
    const written = values.map((given) => encode(given));
    assert.deepEqual(written.map(decode), values);
    assert.throws(() => encode(["w".repeat(100_000), 2n ** 64n]), { code: "invalid_request" });
    assert.deepEqual(written.map(decode), values);
  });

  it("leaves out what is undefined", () => {
    assert.deepEqual(decode(encode({ a: undefined, b: 1 })), { b: 1 });
  });

  it("refuses what it could not carry", () => {
    for (const given of [2n ** 64n, -(2n ** 63n) - 1n, "\ud800", { "\udfff": 1 }, nested(1001)]) {
      assert.throws(() => encode(given), { code: "invalid_request" });
    }
  });

  it("carries what is deep", () => {
    assert.deepEqual(decode(encode(nested(1000))), nested(1000));
  });
});

function nested(levels: number): unknown {
  return Array.from({ length: levels }).reduce((inner) => [inner], null);
}
