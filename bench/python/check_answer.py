"""Compares Arrow streams with DuckDB's rows: one JSON line {arrow, rows} in, what differs or null out."""

import json
import sys
from decimal import Decimal

import pyarrow as pa


def same(actual, expected):
    """Equal, or as near as the digits of the one that carries fewer: averages differ in their scale."""
    if actual is None or expected is None:
        return actual is None and expected is None
    if not isinstance(actual, (int, float, Decimal)):
        return str(actual) == expected
    value, wanted = Decimal(str(actual)), Decimal(expected)
    digits = min(-value.as_tuple().exponent, -wanted.as_tuple().exponent)
    return abs(value - wanted) <= max(Decimal(10) ** -max(digits, 0), abs(wanted) * Decimal("1e-9"))


def difference(arrow, expected):
    with pa.OSFile(arrow) as file:
        rows = [list(row.values()) for row in pa.ipc.open_stream(file).read_all().to_pylist()]
    if len(rows) != len(expected):
        return f"{len(rows)} rows instead of {len(expected)}"
    for index, (row, wanted) in enumerate(zip(rows, expected)):
        if len(row) != len(wanted) or not all(map(same, row, wanted)):
            return f"row {index}: {row} instead of {wanted}"
    return None


for line in sys.stdin:
    case = json.loads(line)
    print(json.dumps(difference(case["arrow"], case["rows"])), flush=True)
