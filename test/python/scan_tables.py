"""Writes tables of every type for scans to be compared on, into the folder and of the seed that are given."""

import datetime
import json
import os
import random
import struct
import sys
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 300
COLUMNS = {
    "id": ("long", pa.int64()),
    "tiny": ("byte", pa.int8()),
    "small": ("short", pa.int16()),
    "whole": ("integer", pa.int32()),
    "large": ("long", pa.int64()),
    "single": ("float", pa.float32()),
    "double": ("double", pa.float64()),
    "flag": ("boolean", pa.bool_()),
    "day": ("date", pa.date32()),
    "instant": ("timestamp", pa.timestamp("us", "UTC")),
    "clock": ("timestamp_ntz", pa.timestamp("us")),
    "price": ("decimal(10,2)", pa.decimal128(10, 2)),
    "exact": ("decimal(38,4)", pa.decimal128(38, 4)),
    "word": ("string", pa.string()),
    "text": ("string", pa.string()),
    "bytes": ("binary", pa.binary()),
}
PARTITIONS = {"kind": ("string", ["a b", "ü%2F", None]), "zone": ("integer", [-1, 7, None]), "since": ("date", ["2020-02-29", None])}
BOUNDED = [name for name, (type, _) in COLUMNS.items() if type not in ("boolean", "binary")]
WORDS = ["", "a", "b", "ab", "Zürich", "\U0001f600", "quote'", "100%"]


def value(name, type, base, rng):
    """Values of one file lie near one another, so that bounds tell files apart."""
    near = base + rng.randrange(-40, 40)
    if rng.random() < 0.1 and name != "id":
        return None
    if type in ("byte", "short", "integer", "long"):
        return {"byte": near % 100, "long": near * 10_000_000_019}.get(type, near)
    if type in ("float", "double"):
        return rng.choice([near / 4, near / 4, near / 4, float("inf"), float("-inf")]) if rng.random() < 0.1 else near / 4
    if type == "boolean":
        return rng.random() < 0.5
    if type == "date":
        return datetime.date(2020, 1, 1) + datetime.timedelta(days=near)
    if type.startswith("timestamp"):
        zone = datetime.timezone.utc if type == "timestamp" else None
        return datetime.datetime(1970, 1, 1, tzinfo=zone) + datetime.timedelta(days=near, microseconds=rng.randrange(2000))
    if type == "decimal(10,2)":
        return Decimal(near) + Decimal(rng.randrange(100)) / 100
    if type == "decimal(38,4)":
        return Decimal(near) * 10**24 + Decimal(rng.randrange(10**9)) / 10**4
    if type == "binary":
        return rng.choice(WORDS).encode()
    if name == "word":
        return rng.choice(WORDS)
    return f"{near:05d} " + "x" * rng.choice([0, 26, 60]) + rng.choice("abc")


def as_json(value, lower):
    """A bound as Spark writes it: texts cut off at 32 characters, times rounded down to the millisecond."""
    if isinstance(value, str) and len(value) > 32:
        return value[:32] if lower else value[:32] + "\U0010ffff"
    if isinstance(value, datetime.datetime):
        text = value.replace(tzinfo=None).isoformat(timespec="milliseconds")
        return text + "Z" if value.tzinfo else text
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return Raw(format(value, "f"))
    if isinstance(value, float):
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(repr(value), value)
    return value


class Raw(float):
    """A number that keeps its digits."""

    def __new__(cls, text):
        raw = super().__new__(cls, text)
        raw.text = text
        return raw

    def __repr__(self):
        return self.text


def statistics(rows, names, physical):
    known = {name: [row[name] for row in rows if row[name] is not None] for name in names}
    bounds = lambda choose, lower: {
        physical(name): as_json(choose(known[name]), lower) for name in names if name in BOUNDED and known[name]
    }
    return {
        "numRecords": len(rows),
        "minValues": bounds(min, True),
        "maxValues": bounds(max, False),
        "nullCount": {physical(name): len(rows) - len(known[name]) for name in names},
    }


def dumps(value):
    """JSON in which decimals keep their digits."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{dumps(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def deletion_vector(deleted):
    """The rows as an inline deletion vector: one bitmap with one array container."""
    container = struct.pack(f"<{len(deleted)}H", *deleted)
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(deleted) - 1, 16) + container
    data = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    padded = data + b"\0" * (-len(data) % 4)
    words = struct.unpack(f">{len(padded) // 4}I", padded)
    text = "".join("".join(Z85[word // 85**power % 85] for power in (4, 3, 2, 1, 0)) for word in words)
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(data), "cardinality": len(deleted)}


def field(name, type, physical, number):
    metadata = {}
    if physical(name) != name:
        metadata = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": physical(name)}
    return {"name": name, "type": type, "nullable": True, "metadata": metadata}


def write_file(folder, index, table, rng, physical):
    names = list(COLUMNS)
    if "evolved" in table and index % 2 == 0:
        names = names[: rng.randrange(8, len(names))]
    base = index * 60
    rows = [
        {name: index * ROWS + row if name == "id" else value(name, COLUMNS[name][0], base, rng) for name in names}
        for row in range(rng.randrange(ROWS // 2, ROWS))
    ]
    path = f"part-{index:05d}.parquet"
    columns = {physical(name): pa.array([row[name] for row in rows], COLUMNS[name][1]) for name in names}
    pq.write_table(pa.table(columns), os.path.join(folder, path), row_group_size=64, data_page_size=512)
    chosen = {name: rng.choice(values) for name, (_, values) in PARTITIONS.items()} if "partitioned" in table else {}
    known = statistics(rows, names, physical)
    if rng.random() < 0.2:
        known = {"numRecords": len(rows)}
    add = {
        "path": path,
        "partitionValues": {physical(name): None if item is None else str(item) for name, item in chosen.items()},
        "size": os.path.getsize(os.path.join(folder, path)),
        "modificationTime": 1_700_000_000_000 + index,
        "dataChange": True,
        "stats": dumps(known),
    }
    if "deleted" in table and index % 3:
        add["deletionVector"] = deletion_vector(sorted(rng.sample(range(len(rows)), rng.randrange(1, len(rows)))))
    return {"add": add}


def physical_names(table):
    return (lambda name: f"col-{name}") if "mapped" in table else (lambda name: name)


def write_commit(folder, version, actions):
    """Whole or not there, as readers may look at any time."""
    path = os.path.join(folder, "_delta_log", f"{version:020d}.json")
    with open(f"{path}.tmp", "w") as log:
        log.writelines(json.dumps(action) + "\n" for action in actions)
    os.rename(f"{path}.tmp", path)


def write_table(folder, table, rng):
    os.makedirs(os.path.join(folder, "_delta_log"))
    physical = physical_names(table)
    partitions = PARTITIONS if "partitioned" in table else {}
    types = {name: type for name, (type, _) in [*COLUMNS.items(), *partitions.items()]}
    # Partition columns among the others.
    order = sorted(types, key=lambda name: (name in ("text", "bytes"), name != "id"))
    schema = {"type": "struct", "fields": [field(name, types[name], physical, number) for number, name in enumerate(order, 1)]}
    features = ["timestampNtz"]
    features += ["deletionVectors"] if "deleted" in table else []
    features += ["columnMapping"] if "mapped" in table else []
    configuration = {"delta.enableDeletionVectors": "true"} if "deleted" in table else {}
    if "mapped" in table:
        configuration |= {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": str(len(order))}
    actions = [
        {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}},
        {
            "metaData": {
                "id": table,
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps(schema),
                "partitionColumns": list(partitions),
                "configuration": configuration,
                "createdTime": 1_700_000_000_000,
            }
        },
        *(write_file(folder, index, table, rng, physical) for index in range(9)),
    ]
    write_commit(folder, 0, actions)


if __name__ == "__main__":
    for name in ("plain", "evolved", "partitioned", "deleted", "mapped", "partitioned_deleted_mapped_evolved"):
        write_table(os.path.join(sys.argv[1], name), name, random.Random(f"{sys.argv[2]} {name}"))
