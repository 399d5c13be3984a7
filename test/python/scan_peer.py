"""Answers as the Delta library's own scan and as DuckDB over all rows: one JSON line {sql, arrow} in, what differs or null out."""

import json
import os
import sys
from decimal import Decimal

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

library = QueryBuilder()
oracle = duckdb.connect()
oracle.execute("SET TimeZone = 'UTC'")
for name in sorted(os.listdir(sys.argv[1])):
    table = DeltaTable(os.path.join(sys.argv[1], name))
    library.register(name, table)
    rows = pa.table(library.execute(f"SELECT * FROM {name}").read_all())
    oracle.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")


def texts(table):
    """Rows in any order, as texts that say the same for all readers."""
    rows = zip(*(column.to_pylist() for column in pa.table(table).columns)) if table.num_columns else []
    return sorted(repr([plain(value) for value in row]) for row in rows)


def plain(value):
    """DuckDB sums integers as decimals."""
    if isinstance(value, Decimal) and value.as_tuple().exponent == 0:
        return repr(int(value))
    if hasattr(value, "astimezone") and value.tzinfo is not None:
        return value.timestamp()
    return repr(value)


def difference(sql, arrow):
    with pa.OSFile(arrow) as file:
        ours = texts(pa.ipc.open_stream(file).read_all())
    for name, theirs in (
        ("the library", texts(library.execute(sql).read_all())),
        ("DuckDB", texts(oracle.execute(sql).to_arrow_table())),
    ):
        if ours != theirs:
            only = [row for row in theirs if row not in ours][:2], [row for row in ours if row not in theirs][:2]
            return f"{len(theirs)} rows of {name}, {len(ours)} of ours; only there {only[0]}, only here {only[1]}"
    return None


for line in sys.stdin:
    case = json.loads(line)
    print(json.dumps(difference(case["sql"], case["arrow"])), flush=True)
