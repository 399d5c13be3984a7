/** Arrow fields and their specs: each the other's exact image, whatever the type. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tableFromIPC } from "apache-arrow";
import fc, { type Arbitrary } from "fast-check";
import { fromArrowField, fromArrowSchema, toArrowField, toArrowSchema } from "../../engine/native.js";
import type { FieldLayout, FieldSpec, TableSchemaSpec } from "../../schemas/generated/index.js";

const units = ["Second", "Millisecond", "Microsecond", "Nanosecond"];
const zones = ["UTC", "+05:30", "Europe/Paris", "America/Argentina/Buenos_Aires"];
const integers = ["Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"];
const leaves = [
  ...integers,
  ...["Null", "Boolean", "Float16", "Float32", "Float64", "Utf8", "LargeUtf8", "Utf8View"],
  ...["Binary", "LargeBinary", "BinaryView", "FixedSizeBinary(1)", "FixedSizeBinary(16)", "Date32", "Date64"],
  ...["Decimal32(9, 2)", "Decimal64(18, -3)", "Decimal128(38, 38)", "Decimal128(1, 0)", "Decimal256(76, -5)"],
  ...["Time32(Second)", "Time32(Millisecond)", "Time64(Microsecond)", "Time64(Nanosecond)"],
  ...["Interval(YearMonth)", "Interval(DayTime)", "Interval(MonthDayNano)"],
  ...units.flatMap((unit) => [`Duration(${unit})`, `Timestamp(${unit})`]),
  ...units.flatMap((unit) => zones.map((zone) => `Timestamp(${unit}, "${zone}")`)),
];
const lists = ["List", "LargeList", "ListView", "LargeListView", "FixedSizeList(0)", "FixedSizeList(3)"];

type Shape = Pick<FieldSpec, "dtype" | "children" | "layout" | "encoding">;

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "a b", 'say "hi"', "a.b", "item", "Zürich(,)"),
);
const metadata = fc.oneof(
  fc.constant(null),
  fc.dictionary(
    text.filter((key) => key !== "__proto__"),
    text,
    { minKeys: 1, maxKeys: 3, noNullPrototype: true },
  ),
);

const { field } = fc.letrec<{ field: FieldSpec; shape: Shape; plain: Shape }>((tie) => ({
  field: fields(tie("shape")),
  shape: fc.oneof({ weight: 5, arbitrary: tie("plain") }, { weight: 1, arbitrary: dictionaries(tie("plain")) }),
  plain: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(...leaves).map((dtype) => ({ dtype })),
    fc.record({ dtype: fc.constantFrom(...lists), children: fc.tuple(tie("field")) }),
    fc.array(tie("field"), { maxLength: 3 }).map(struct),
    maps(tie("field")),
    unions(tie("field")),
    runEnds(tie("field")),
  ),
}));

describe("an Arrow field", () => {
  it("is the same after it was a spec, whatever its type", () => {
    fc.assert(fc.property(field, checkField), { numRuns: Number(process.env["CONTRACT_RUNS"] ?? 500) });
  });

  for (const dtype of leaves) it(`of type ${dtype}`, () => checkField({ name: "a", dtype, nullable: false }));

  it("has its name, type, nullability and metadata also for another library", () => {
    const legs: FieldSpec = {
      name: "legs",
      dtype: "List",
      nullable: false,
      children: [
        {
          name: "leg",
          dtype: "Struct",
          children: [
            { name: "to", dtype: "Utf8", nullable: false, metadata: { unit: "IATA", "": "Zürich" } },
            { name: "at", dtype: 'Timestamp(Microsecond, "UTC")' },
          ],
        },
      ],
    };
    const [read] = tableFromIPC(toArrowField(legs)).schema.fields;
    const [leg] = read?.type.children ?? [];
    const [to, at] = leg?.type.children ?? [];
    assert.deepEqual([read?.name, read?.nullable, leg?.name, leg?.nullable], ["legs", false, "leg", true]);
    assert.deepEqual([to?.name, to?.nullable, String(to?.type)], ["to", false, "Utf8"]);
    assert.deepEqual([...(to?.metadata ?? [])].sort(), [
      ["", "Zürich"],
      ["unit", "IATA"],
    ]);
    assert.deepEqual([at?.nullable, String(at?.type)], [true, "Timestamp<MICROSECOND, UTC>"]);
  });

  it("may be named in one word where nothing more is said of what is inside", () => {
    const spec = fromArrowField(toArrowField({ name: "a", dtype: "List(Dictionary(Int8, Utf8))" }));
    const item = { name: "item", dtype: "Utf8", encoding: "dictionary", layout: { index_type: "Int8" } };
    assert.equal(spec.dtype, "List(Dictionary(Int8, Utf8))");
    assert.deepEqual(skeleton(spec).children, [skeleton(item as FieldSpec)]);
  });

  const item = { name: "item", dtype: "Int64" };
  const pair = { name: "entries", dtype: "Struct", children: [item, item] };
  const wrong: [Shape, RegExp][] = [
    [{ dtype: "Int46" }, /"Int46" is not an Arrow type/],
    [{ dtype: "List" }, /"List" is not an Arrow type/],
    [{ dtype: "Int64", children: [item] }, /Int64 has no children/],
    [{ dtype: "List", children: [item, item] }, /one child, not 2/],
    [{ dtype: "List(Utf8)", children: [item] }, /the type is List\(Utf8\), but its children make it List\(Int64\)/],
    [{ dtype: "FixedSizeList", children: [item] }, /length is missing/],
    [{ dtype: "FixedSizeList(-1)", children: [item] }, /length is missing/],
    [{ dtype: "FixedSizeList(2 x Utf8)", children: [item] }, /make it FixedSizeList\(2 x Int64\)/],
    [{ dtype: "Map", children: [item] }, /a Struct of a key and a value/],
    [{ dtype: "RunEndEncoded", children: [item] }, /two children, not 1/],
    [{ dtype: "RunEndEncoded", children: [{ ...item, dtype: "Utf8" }, item] }, /run ends can't be Utf8/],
    [{ dtype: "Union", children: [item, item], layout: { type_ids: [1] } }, /1 type ids for 2 children/],
    [{ dtype: "Struct", children: [item], layout: { union_mode: "dense" } }, /union_mode is of a Union/],
    [{ dtype: "Int64", layout: { keys_sorted: true } }, /keys_sorted is of a Map/],
    [{ dtype: "Utf8", layout: { index_type: "Int8" } }, /goes with the encoding 'dictionary'/],
    [{ dtype: "Utf8", encoding: "dictionary", layout: { index_type: "Utf8" } }, /keys can't be Utf8/],
    [{ dtype: "Struct", children: [{ ...pair, dtype: "List" }] }, /Column 'a.entries'/],
    [nested(65), /nest at most 64 levels/],
  ];
  for (const [shape, message] of wrong) {
    it(`is none of ${JSON.stringify(shape).slice(0, 100)}`, () => {
      const refusal = { name: "DataFusionEngineError", code: "unsupported_type", kind: "arrow", message };
      assert.throws(() => toArrowField({ name: "a", ...shape }), refusal);
    });
  }
});

describe("a table's schema", () => {
  const spec = (change: Partial<TableSchemaSpec> = {}): TableSchemaSpec => ({
    name: "flights",
    fields: [
      { name: "id", dtype: "Int64", nullable: false },
      { name: "origin", dtype: "Utf8" },
    ],
    required_non_null: ["origin"],
    key_fields: ["origin", "id"],
    ...change,
  });

  it("is the same after it was an Arrow schema", () => {
    const named = fc.uniqueArray(field, { selector: ({ name }) => name, maxLength: 4 });
    const specs = named
      .map((fields) => fields.filter(({ name }) => name !== ""))
      .chain((fields) => {
        const some = fc.subarray(fields.map(({ name }) => name));
        return fc.record({ fields: fc.constant(fields), required_non_null: some, key_fields: some });
      });
    fc.assert(
      fc.property(specs, (given) => {
        const read = fromArrowSchema("any", toArrowSchema(spec({ ...given, name: "any" })));
        assert.deepEqual(fromArrowSchema("any", toArrowSchema(read)), read);
        assert.deepEqual(read.fields.map(skeleton), given.fields.map(skeleton));
        assert.deepEqual([read.required_non_null, read.key_fields], [given.required_non_null, given.key_fields]);
      }),
    );
  });

  const [id] = spec().fields;
  const wrong: [Partial<TableSchemaSpec>, RegExp, string][] = [
    [{ fields: [...spec().fields, id as FieldSpec] }, /Two columns are named 'id'/, "id"],
    [{ fields: [...spec().fields, { name: "", dtype: "Int64" }] }, /A column has no name/, ""],
    [{ required_non_null: ["orign"] }, /required_non_null names 'orign', which is no column of 'flights'/, "orign"],
    [{ key_fields: ["id", "ID"] }, /key_fields names 'ID', which is no column of 'flights'/, "ID"],
  ];
  for (const [change, message, column] of wrong) {
    it(`is refused: ${message.source}`, () => {
      const refusal = { code: "invalid_request", kind: "validation", message, details: { column } };
      assert.throws(() => toArrowSchema(spec(change)), refusal);
    });
  }

  it("is read of nothing but Arrow", () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from("garbage"), toArrowSchema(spec()).subarray(0, 40)])
      assert.throws(() => fromArrowSchema("flights", bytes), { name: "DataFusionEngineError" });
  });
});

/** The field that the spec makes, the spec of this, and so on: nothing is lost from one to the next. */
function checkField(given: FieldSpec): void {
  const arrow = toArrowField(given);
  const read = fromArrowField(arrow);
  assert.deepEqual(skeleton(read), skeleton(given));
  assert.deepEqual(toArrowField(read), arrow);
  assert.deepEqual(fromArrowField(toArrowField(read)), read);
}

/** With the name of a nested type cut off at its first word, and what is said by default left out. */
function skeleton({
  name,
  dtype,
  nullable = true,
  children = [],
  layout,
  metadata,
  encoding,
}: FieldSpec): Required<Omit<FieldSpec, "default_value">> {
  const { index_type, keys_sorted, ...union } = layout ?? {};
  const kept: FieldLayout = {
    ...union,
    ...(index_type !== undefined && index_type !== "Int32" && { index_type }),
    ...(keys_sorted && { keys_sorted }),
  };
  const [head = dtype] = /^FixedSizeList\(\d+|^\w+/.exec(dtype) ?? [];
  return {
    name,
    dtype: children.length === 0 ? dtype : head,
    nullable,
    children: children.map(skeleton),
    layout: Object.keys(kept).length === 0 ? null : kept,
    metadata: metadata ?? null,
    encoding: encoding ?? null,
  };
}

function fields(shape: Arbitrary<Shape>): Arbitrary<FieldSpec> {
  return fc
    .record({ name: text, nullable: fc.boolean(), metadata, shape })
    .map(({ shape, ...rest }) => ({ ...rest, ...shape }));
}

function struct(children: FieldSpec[]): Shape {
  return children.length === 0 ? { dtype: "Struct()" } : { dtype: "Struct", children };
}

function dictionaries(values: Arbitrary<Shape>): Arbitrary<Shape> {
  return fc.tuple(values, fc.constantFrom(...integers)).map(([shape, index_type]) => ({
    ...shape,
    encoding: "dictionary",
    layout: { ...shape.layout, index_type },
  }));
}

function maps(inner: Arbitrary<FieldSpec>): Arbitrary<Shape> {
  return fc.tuple(text, metadata, fc.boolean(), inner, inner).map(([name, metadata, keys_sorted, key, value]) => ({
    dtype: "Map",
    layout: { keys_sorted },
    children: [{ name, dtype: "Struct", nullable: false, metadata, children: [key, value] }],
  }));
}

function unions(inner: Arbitrary<FieldSpec>): Arbitrary<Shape> {
  const ids = fc.uniqueArray(fc.integer({ min: 0, max: 127 }), { minLength: 1, maxLength: 3 });
  const union_mode = fc.constantFrom("sparse" as const, "dense" as const);
  return fc.tuple(ids, union_mode).chain(([type_ids, union_mode]) => {
    const children = fc.array(inner, { minLength: type_ids.length, maxLength: type_ids.length });
    return children.map((children) => ({ dtype: "Union", layout: { union_mode, type_ids }, children }));
  });
}

function runEnds(inner: Arbitrary<FieldSpec>): Arbitrary<Shape> {
  return fc.tuple(fc.constantFrom("Int16", "Int32", "Int64"), inner).map(([dtype, values]) => ({
    dtype: "RunEndEncoded",
    children: [{ name: "run_ends", dtype, nullable: false }, values],
  }));
}

function nested(levels: number): FieldSpec {
  const item = { name: "item", dtype: "Int64" };
  return levels === 1 ? item : { name: "item", dtype: "List", children: [nested(levels - 1)] };
}
