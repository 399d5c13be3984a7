"""Reads result files: one JSON line {format, paths, like?} in, one JSON line of rows (arrays of values) out."""

import datetime
import json
import sys
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


def read(format, paths):
    if format == "arrow":
        with pa.OSFile(paths[0]) as file:
            return pa.ipc.open_stream(file).read_all()
    if format == "duckdb":
        return pa.table(duckdb.connect().from_parquet(paths[0]).to_arrow_table())
    return pa.concat_tables([pq.read_table(path, partitioning=None) for path in paths], promote_options="default")


def aligned(table, like):
    """Columns in the order of `like`; times that Spark wrote without a zone are instants where `like` says so."""
    columns = []
    for field in like.schema:
        column = table[field.name]
        if pa.types.is_timestamp(column.type) and pa.types.is_timestamp(field.type):
            column = column.cast(pa.timestamp(field.type.unit, column.type.tz), safe=False).cast(field.type)
        columns.append(column)
    return pa.table(columns, names=like.schema.names)


def plain(value, type):
    """A value as Lakegate's JSON writes it."""
    if value is None:
        return None
    if pa.types.is_list(type) or pa.types.is_large_list(type) or pa.types.is_fixed_size_list(type):
        return [plain(item, type.value_type) for item in value]
    if pa.types.is_struct(type):
        return {field.name: plain(value[field.name], field.type) for field in type}
    if pa.types.is_map(type):
        entries = [(plain(key, type.key_type), plain(item, type.item_type)) for key, item in value]
        if pa.types.is_string(type.key_type):
            return dict(entries)
        return [{"key": key, "value": item} for key, item in entries]
    if pa.types.is_dictionary(type):
        return plain(value, type.value_type)
    if isinstance(value, float):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(repr(value), value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return Digits(format(value, "f"))
    return value


class Digits:
    def __init__(self, text):
        self.text = text


def timestamp_text(nanoseconds, zone):
    seconds, fraction = divmod(nanoseconds, 10**9)
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    suffix = ""
    if zone is not None:
        offset = datetime.timedelta(0)
        if zone != "UTC":
            offset = moment.replace(tzinfo=datetime.timezone.utc).astimezone(zone_of(zone)).utcoffset()
        moment += offset
        minutes = int(offset.total_seconds() // 60)
        suffix = "Z" if minutes == 0 else f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    digits = f"{fraction:09}"
    if fraction:
        length = 3 if fraction % 10**6 == 0 else 6 if fraction % 1000 == 0 else 9
        digits = f".{digits[:length]}"
    else:
        digits = ""
    return moment.isoformat(timespec="seconds") + digits + suffix


def zone_of(name):
    import zoneinfo

    if name[0] in "+-":
        sign = -1 if name[0] == "-" else 1
        return datetime.timezone(sign * datetime.timedelta(hours=int(name[1:3]), minutes=int(name[4:6])))
    return zoneinfo.ZoneInfo(name)


def texts(array, type):
    """A column's values, tagged. Times are made of their integers: Python's own types hold no nanoseconds."""
    if pa.types.is_integer(type) or pa.types.is_decimal(type):
        return [None if value is None else "n" + value for value in array.cast(pa.string()).to_pylist()]
    if pa.types.is_timestamp(type):
        factor = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[type.unit]
        integers = array.cast(pa.int64()).to_pylist()
        return [None if value is None else "s" + timestamp_text(value * factor, type.tz) for value in integers]
    if pa.types.is_time(type) or pa.types.is_date(type):
        return [None if value is None else "s" + short_time(value.isoformat()) for value in array.to_pylist()]
    return [tagged(plain(nested_texts(value, type), type)) for value in array.to_pylist()]


def nested_texts(value, type):
    if value is None:
        return None
    if pa.types.is_timestamp(type):
        micros = (value.replace(tzinfo=None) - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
        return timestamp_text(micros * 1000, type.tz)
    if pa.types.is_date(type):
        return value.isoformat()
    if pa.types.is_list(type):
        return [nested_texts(item, type.value_type) for item in value]
    if pa.types.is_struct(type):
        return {field.name: nested_texts(value[field.name], field.type) for field in type}
    if pa.types.is_map(type):
        return [(nested_texts(key, type.key_type), nested_texts(item, type.item_type)) for key, item in value]
    return value


def short_time(text):
    head, dot, fraction = text.partition(".")
    return head + dot + (fraction[:3] if fraction.endswith("000") else fraction)


def tagged(value):
    """Texts start with `s` and numbers are texts that start with `n`: no digit is lost in JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return "s" + value
    if isinstance(value, list):
        return [tagged(item) for item in value]
    if isinstance(value, dict):
        return {"s" + name: tagged(item) for name, item in value.items()}
    return "n" + (value.text if isinstance(value, Digits) else repr(value))


def rows(table):
    columns = [texts(column.combine_chunks(), column.type) for column in table.columns]
    return [list(row) for row in zip(*columns)] if columns else [[] for _ in range(table.num_rows)]


for line in sys.stdin:
    request = json.loads(line)
    try:
        table = read(request["format"], request["paths"])
        if "like" in request:
            table = aligned(table, read("arrow", [request["like"]]))
        print(json.dumps(rows(table)), flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
