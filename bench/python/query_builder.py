"""Runs SQL through deltalake's QueryBuilder in this process: one JSON string in, its time and row count out."""

import json
import resource
import sys
import time
from pathlib import Path

from deltalake import DeltaTable, QueryBuilder


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


builder = QueryBuilder()
for folder in sorted(Path(sys.argv[1]).iterdir()):
    builder.register(folder.name, DeltaTable(str(folder)))

for line in sys.stdin:
    before, started = processor_seconds(), time.perf_counter()
    table = builder.execute(json.loads(line)).read_all()
    seconds = time.perf_counter() - started
    report = {"seconds": seconds, "processor": processor_seconds() - before, "rows": table.num_rows}
    print(json.dumps({**report, "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}), flush=True)
