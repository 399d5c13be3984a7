"""Writes Delta tables with the Python deltalake package: one JSON line {operation, …} in, its seconds out."""

import json
import sys
import time

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake


def rows_of(path):
    with pa.OSFile(path) as file:
        return pa.ipc.open_stream(file).read_all()


def append(folder, rows, commits):
    """So many commits, one after the other, on one table object."""
    rows = rows_of(rows)
    write_deltalake(folder, rows)
    table = DeltaTable(folder)
    started = time.perf_counter()
    for _ in range(commits):
        write_deltalake(table, rows, mode="append")
    return time.perf_counter() - started


def merge(folder, rows):
    rows = rows_of(rows)
    started = time.perf_counter()
    merger = DeltaTable(folder).merge(rows, "t.id = s.id", source_alias="s", target_alias="t")
    merger.when_matched_update_all().when_not_matched_insert_all().execute()
    return time.perf_counter() - started


operations = {"append": append, "merge": merge}

for line in sys.stdin:
    request = json.loads(line)
    seconds = operations[request.pop("operation")](**request)
    print(json.dumps({"seconds": seconds}), flush=True)
