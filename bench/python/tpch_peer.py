"""Runs SQL over a folder of Delta tables in this process, by deltalake's QueryBuilder, DuckDB or Polars.

`tpch_peer.py ENGINE FOLDER`: one JSON string in, its time, processor time and row count out.
"""

import json
import resource
import sys
import time
from pathlib import Path


def query_builder(folders):
    from deltalake import DeltaTable, QueryBuilder

    builder = QueryBuilder()
    for folder in folders:
        builder.register(folder.name, DeltaTable(str(folder)))
    return lambda sql: builder.execute(sql).read_all().num_rows


def duckdb(folders):
    import duckdb
    from duckdb_extensions import import_extension

    import_extension("delta")
    connection = duckdb.connect()
    connection.execute("LOAD delta")
    for folder in folders:
        connection.execute(f"CREATE VIEW {folder.name} AS FROM delta_scan('{folder}')")
    return lambda sql: connection.execute(sql).to_arrow_table().num_rows


def polars(folders):
    import polars

    context = polars.SQLContext({folder.name: polars.scan_delta(str(folder)) for folder in folders})
    return lambda sql: context.execute(sql, eager=True).height


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_bytes():
    """What `getrusage` tells starts at the memory of the process that started this one."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


engine, folder = sys.argv[1:]
run = {"query_builder": query_builder, "duckdb": duckdb, "polars": polars}[engine](sorted(Path(folder).iterdir()))
for line in sys.stdin:
    before, started = processor_seconds(), time.perf_counter()
    rows = run(json.loads(line))
    seconds = time.perf_counter() - started
    report = {"seconds": seconds, "processor": processor_seconds() - before, "rows": rows}
    print(json.dumps({**report, "peak_bytes": peak_bytes()}), flush=True)
