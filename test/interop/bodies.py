"""Writes row bodies with every type that Delta has, edge values and nulls: bodies.py FOLDER."""

import datetime
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

EPOCH = datetime.datetime(1970, 1, 1)
UTC = datetime.timezone.utc
TEXTS = ["plain", "", "Zürich 東京 🛩", 'quote " comma , line\nbreak', "a/b=c d%20", "O'Hare \\ back", "NULL", "\u0000\u007f"]
FLOATS = [0.0, -0.0, 1.5, -1e308, 5e-324, float("inf"), float("-inf"), float("nan")]
MOMENTS = [
    EPOCH,
    datetime.datetime(1, 1, 1),
    datetime.datetime(9999, 12, 31, 23, 59, 59, 999999),
    datetime.datetime(2024, 2, 29, 12, 30, 1, 123456),
    datetime.datetime(1969, 12, 31, 23, 59, 59, 999999),
]

point = pa.struct([("x", pa.float64()), ("label", pa.string())])
schema = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        ("flag", pa.bool_()),
        ("tiny", pa.int8()),
        ("small", pa.int16()),
        ("medium", pa.int32()),
        ("large", pa.int64()),
        ("single", pa.float32()),
        ("double", pa.float64()),
        ("money", pa.decimal128(10, 2)),
        ("exact", pa.decimal128(38, 18)),
        ("day", pa.date32()),
        ("moment", pa.timestamp("us", "UTC")),
        ("local", pa.timestamp("us")),
        ("text", pa.string()),
        ("bytes", pa.binary()),
        ("list", pa.list_(pa.int64())),
        ("point", point),
        ("map", pa.map_(pa.string(), pa.int32())),
        ("deep", pa.list_(pa.struct([("names", pa.list_(pa.string())), ("at", pa.timestamp("us", "UTC"))]))),
    ]
)


def row(number):
    """Row 3 of every eight has nulls only."""
    if number % 8 == 3:
        return {"id": number}
    sign, text = (-1) ** number, TEXTS[number % len(TEXTS)]
    moment = MOMENTS[number % len(MOMENTS)]
    return {
        "id": number,
        "flag": number % 2 == 0,
        "tiny": [127, -128][number % 2],
        "small": [32767, -32768][number % 2],
        "medium": [2**31 - 1, -(2**31)][number % 2],
        "large": [2**63 - 1, -(2**63)][number % 2],
        "single": FLOATS[number % 3],
        "double": FLOATS[number % len(FLOATS)],
        "money": Decimal("99999999.99") * sign,
        "exact": Decimal("12345678901234567890.123456789012345678") * sign,
        "day": moment.date(),
        "moment": moment.replace(tzinfo=UTC),
        "local": moment,
        "text": text,
        "bytes": bytes([number % 256, 0, 255]) if number % 2 else b"",
        "list": [None, number] if number % 2 else [],
        "point": {"x": None, "label": text},
        "map": [(text, number), ("other", None)],
        "deep": [{"names": [text, None], "at": moment.replace(tzinfo=UTC)}, None],
    }


def table(numbers):
    return pa.Table.from_pylist([row(number) for number in numbers], schema=schema)


def numbered_fields(table):
    """With the field ids that other writers leave in their files, and that must not reach the table's own."""
    fields = [field.with_metadata({"PARQUET:field_id": str(100 + index)}) for index, field in enumerate(table.schema)]
    return table.cast(pa.schema(fields))


def partitioned(numbers):
    places = ["Zürich", "a/b=c d%20:x", "São Paulo", None]
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "place": pa.array([places[number % 4] for number in numbers]),
            "year": pa.array([2000 + number % 2 for number in numbers], pa.int32()),
            "day": pa.array([MOMENTS[number % 2 * 3].date() for number in numbers], pa.date32()),
            "moment": pa.array([MOMENTS[3 - number % 2 * 3].replace(tzinfo=UTC) for number in numbers], pa.timestamp("us", "UTC")),
            "money": pa.array([Decimal("-1.50") if number % 2 else None for number in numbers], pa.decimal128(10, 2)),
            "flag": pa.array([number % 2 == 0 for number in numbers]),
            "text": pa.array([TEXTS[number % len(TEXTS)] for number in numbers]),
        }
    )


def write_arrow(path, table):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)


folder = Path(sys.argv[1])
write_arrow(folder / "first.arrow", table(range(16)))
pq.write_table(table(range(16, 32)), folder / "second.parquet")
write_arrow(folder / "numbered.arrow", numbered_fields(table(range(32, 40))))
write_arrow(folder / "merged.arrow", table(range(36, 48)))
write_arrow(folder / "last.arrow", table(range(100, 104)))
write_arrow(folder / "wider.arrow", table(range(48, 52)).append_column("added", pa.array(["new", None, "x", "y"])))
write_arrow(folder / "partitioned.arrow", partitioned(list(range(24))))
write_arrow(folder / "replaced.arrow", partitioned([1001, 1003]))
