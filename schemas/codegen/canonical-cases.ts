/** Thinks of values whose canonical form is published, and of values that have none, in a notation that JSON can carry. */

/** One key names the type. The last four stand for values that are too long to write, and for one that only some languages have. */
export type Notation =
  | { readonly null: true }
  | { readonly bool: boolean }
  | { readonly int: string }
  | { readonly float: string }
  | Text
  | { readonly bytes: string }
  | { readonly list: readonly Notation[] }
  | { readonly map: readonly (readonly [Text, Notation])[] }
  | { readonly text_of: readonly [text: string, times: number] }
  | { readonly bytes_of: readonly [byte: string, times: number] }
  | { readonly list_of: readonly [item: Notation, times: number] }
  /** From the decimal numbers below a number, as text, to themselves. */
  | { readonly map_of: number }
  /** So many lists, each in the next, around nothing. */
  | { readonly nested: number }
  | { readonly undefined: true };

/** Half a surrogate pair can only be written as code units. */
export type Text = { readonly text: string } | { readonly utf16: string };

export type CanonicalCase = readonly [name: string, value: Notation];

const integers = [
  ...["0", "1", "127", "128", "255", "256", "65535", "65536", "4294967295", "4294967296"],
  ...["9007199254740991", "9007199254740992", "9223372036854775807", "9223372036854775808", "18446744073709551615"],
  ...["-1", "-32", "-33", "-128", "-129", "-32768", "-32769", "-2147483648", "-2147483649"],
  ...["-9007199254740991", "-9007199254740992", "-9223372036854775808"],
];
const floats = [
  ...["0.0", "-0.0", "1.0", "-1.0", "0.1", "1.5", "4294967296.0", "9007199254740993.0", "1e300"],
  ...["5e-324", "2.2250738585072014e-308", "1.7976931348623157e308", "Infinity", "-Infinity"],
];
const texts = [
  "",
  "a",
  "Zürich",
  "東京",
  "👩‍🚀",
  "\u0000",
  "e\u0301",
  "\u00e9",
  '"\\\n',
  "\ud7ff\ue000\uffff\u{10000}\u{10ffff}",
];
const lengths = [15, 16, 31, 32, 127, 128, 255, 256, 65535, 65536];
const halves = ["d800", "dfff", "0061d83d", "dc00d800"];

export const canonicalCases: readonly CanonicalCase[] = [
  ["null", { null: true }],
  ["false", { bool: false }],
  ["true", { bool: true }],
  ...integers.map((int): CanonicalCase => [`the integer ${int}`, { int }]),
  ...floats.map((float): CanonicalCase => [`the float ${float}`, { float }]),
  ...texts.map((text): CanonicalCase => [`the text ${JSON.stringify(text)}`, { text }]),
  ...lengths.map((length): CanonicalCase => [`a text of ${length} bytes`, { text_of: ["a", length] }]),
  ...lengths.map((length): CanonicalCase => [`a text of ${length} times two bytes`, { text_of: ["ü", length] }]),
  ["no bytes", { bytes: "" }],
  ["bytes", { bytes: "00ff80" }],
  ...lengths.map((length): CanonicalCase => [`${length} bytes`, { bytes_of: ["2a", length] }]),
  ["an empty list", { list: [] }],
  [
    "a list",
    { list: [{ int: "1" }, { float: "1.0" }, { text: "1" }, { bytes: "31" }, { bool: true }, { null: true }] },
  ],
  ...lengths.map((length): CanonicalCase => [`a list of ${length}`, { list_of: [{ null: true }, length] }]),
  ["an empty map", { map: [] }],
  ["a map in its order", map("a", "b", "c")],
  ["a map out of order", map("c", "a", "b")],
  ["capitals come before small letters", map("b", "a", "B", "A", "_")],
  ["a beginning comes before what it begins", map("aa", "a", "", "ab")],
  ["numbers are sorted as text", map("10", "9", "2", "1", "-1")],
  ["a name that JavaScript gives every object", map("toString", "constructor", "__proto__")],
  ["beyond U+FFFF comes after it, unlike in UTF-16", map("\u{1f600}", "\uffff", "\ue000", "\ud7ff", "z")],
  ["the same letter composed and not", map("é", "e\u0301", "e")],
  ...lengths.map((length): CanonicalCase => [`a map of ${length}`, { map_of: length }]),
  [
    "a map in a list in a map",
    {
      map: [
        [{ text: "b" }, { list: [map("z", "y")] }],
        [{ text: "a" }, map("x")],
      ],
    },
  ],
  ["as deep as may be", { nested: 128 }],
];

export const refusedCases: readonly CanonicalCase[] = [
  ["undefined", { undefined: true }],
  ["undefined in a list", { list: [{ undefined: true }] }],
  ["undefined in a map", { map: [[{ text: "a" }, { undefined: true }]] }],
  ["NaN", { float: "NaN" }],
  ["an integer above 64 bits", { int: "18446744073709551616" }],
  ["an integer below 64 bits", { int: "-9223372036854775809" }],
  ...halves.map((utf16): CanonicalCase => [`half of a surrogate pair: ${utf16}`, { utf16 }]),
  ...halves.map(
    (utf16): CanonicalCase => [`half of a surrogate pair in a name: ${utf16}`, { map: [[{ utf16 }, { null: true }]] }],
  ),
  ["half of a surrogate pair in a long text", { list: [{ utf16: `${"0061".repeat(200)}d83d` }] }],
  ["deeper than may be", { nested: 129 }],
];

function map(...names: string[]): Notation {
  return { map: names.map((text, index) => [{ text }, { int: String(index) }]) };
}
