"""What Lakegate answers for a table, held against what another implementation reads of its files."""

import json
import sys
from decimal import Decimal

import pyarrow as pa


def exact(value):
    """A value as a text that tells apart what Python's == does not."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {exact(item)}" for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(exact, value)) + "]"
    if isinstance(value, Decimal):
        return f"decimal {value:f}"
    return f"{type(value).__name__} {value!r}"


def rows(table, names):
    columns = [table[name].to_pylist() for name in names]
    return sorted(zip(*columns), key=lambda row: row[names.index("id")])


def difference(expected, actual):
    names = expected.schema.names
    if set(names) != set(actual.schema.names):
        return f"columns {actual.schema.names} instead of {names}"
    wanted, found = rows(expected, names), rows(actual, names)
    if len(wanted) != len(found):
        return f"{len(found)} rows instead of {len(wanted)}"
    for wanted_row, found_row in zip(wanted, found):
        for name, wanted_value, found_value in zip(names, wanted_row, found_row):
            if exact(wanted_value) != exact(found_value):
                return f"{name} of row {wanted_row[names.index('id')]} is {exact(found_value)} instead of {exact(wanted_value)}"
    return None


def read_arrow(path):
    with pa.OSFile(path) as file:
        return pa.ipc.open_stream(file).read_all()


def answer(read):
    """One JSON line {folder, version, arrow} in; what differs, or null, out. `read` gives the Arrow table at a version."""
    for line in sys.stdin:
        reading = json.loads(line)
        try:
            result = difference(read_arrow(reading["arrow"]), read(reading["folder"], reading["version"]))
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
        print(json.dumps(result), flush=True)
