"""A table of many commits without a checkpoint: one JSON line {operation, …} in, its answer out."""

import json
import os
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder

SCHEMA = {
    "type": "struct",
    "fields": [{"name": "id", "type": "long", "nullable": True, "metadata": {}}],
}
opened = {}


def commit(folder, version):
    """One small file: the rows of its number."""
    path = f"part-{version:08d}.parquet"
    pq.write_table(pa.table({"id": [version]}), os.path.join(folder, path))
    stats = {"numRecords": 1, "minValues": {"id": version}, "maxValues": {"id": version}, "nullCount": {"id": 0}}
    size = os.path.getsize(os.path.join(folder, path))
    add = {"path": path, "partitionValues": {}, "size": size, "modificationTime": version, "dataChange": True}
    actions = [{"add": add | {"stats": json.dumps(stats)}}]
    if version == 0:
        format = {"provider": "parquet", "options": {}}
        metadata = {"id": "commits", "format": format, "schemaString": json.dumps(SCHEMA), "partitionColumns": []}
        actions.insert(0, {"metaData": metadata | {"configuration": {}}})
        actions.insert(0, {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}})
    name = os.path.join(folder, "_delta_log", f"{version:020d}.json")
    with open(f"{name}.tmp", "w") as log:
        log.writelines(json.dumps(action) + "\n" for action in actions)
    os.rename(f"{name}.tmp", name)


def write(folder, start, end):
    os.makedirs(os.path.join(folder, "_delta_log"), exist_ok=True)
    for version in range(start, end):
        commit(folder, version)


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def open_table(folder):
    return seconds(lambda: opened.update(table=DeltaTable(folder)))


def refresh():
    return seconds(lambda: opened["table"].update_incremental())


def query(sql):
    def run():
        builder = QueryBuilder()
        builder.register("commits", opened["table"])
        builder.execute(sql).read_all()

    return seconds(run)


operations = {"write": write, "open": open_table, "refresh": refresh, "query": query}

for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(operations[request.pop("operation")](**request)), flush=True)
