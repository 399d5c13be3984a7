"""Teaches schemathesis what it does not know: the media types of bodies, and texts in a URL that hold JSON."""

import csv
import io
import json
import math
from pathlib import Path

import msgpack
import schemathesis
from hypothesis import strategies as st

EXAMPLES = Path(__file__).parents[2] / "openapi" / "examples"


@schemathesis.hook
def before_load_schema(context, raw_schema):
    for operations in raw_schema["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                ease(parameter)
            for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
                if media_type in ROWS:
                    media.pop("example", None)  # a text, where the strategies below make bytes


def ease(parameter):
    """Says the same of a parameter so that schemathesis makes values for it: of texts of JSON, and of ETags."""
    schema = parameter["schema"]
    if "contentSchema" in schema:
        parameter["content"] = {"application/json": {"schema": schema["contentSchema"]}}
        del parameter["schema"]
    if parameter["name"] in ("if-match", "if-none-match"):
        del schema["pattern"]
        schema["enum"] = ["*", '"nonsense"']


@schemathesis.hook
def before_call(context, case, kwargs):
    """Leaves out of right requests what keeps them from the engine, or its answer from its end."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.meta.phase.name.value == "coverage":
        case.query.pop("session_id", None)  # nobody can guess these
        case.query.pop("cursor", None)
    if case.media_type not in ROWS:
        case.query.pop("request", None)  # goes with rows alone
    case.query.pop("timeout_ms", None)  # breaks off what streams, which is taken for a fault of the network
    if isinstance(case.body, dict):
        case.body.pop("timeout_ms", None)


@schemathesis.serializer("application/vnd.msgpack")
def message_pack(ctx, value):
    return msgpack.packb(carried(value), use_bin_type=True)


def carried(value):
    """The value with integers that MessagePack has no room for as floats."""
    if isinstance(value, dict):
        return {carried(key): carried(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [carried(inner) for inner in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return beyond(value)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def beyond(value):
    """The next float outside: the nearest one could be an integer that is allowed."""
    end = math.copysign(math.inf, value)
    return math.nextafter(float(value), end) if abs(value) < 2**1000 else end


@schemathesis.deserializer("application/vnd.msgpack")
def read_message_pack(ctx, response):
    return msgpack.unpackb(response.content, strict_map_key=False)


@schemathesis.serializer("application/sql")
def sql(ctx, value):
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else str(value).encode()


def rows():
    """Rows that some table may take."""
    texts = st.none() | st.text(max_size=8)
    numbers = st.none() | st.integers(-(2**63), 2**63 - 1)
    columns = {"id": numbers, "origin": texts, "delay": numbers, "iata": texts, "city": texts}
    return st.lists(st.fixed_dictionaries({}, optional=columns), min_size=1, max_size=4)


def lines(items):
    return "".join(json.dumps(item) + "\n" for item in items).encode("utf-8", "replace")


def table(items):
    text = io.StringIO()
    writer = csv.DictWriter(text, sorted({name for item in items for name in item}))
    writer.writeheader()
    writer.writerows(items)
    return text.getvalue().encode("utf-8", "replace")


@st.composite
def damaged(draw, name):
    """A file of the document's examples, whole, cut off or with one byte changed."""
    content = bytearray((EXAMPLES / name).read_bytes())
    place = draw(st.integers(0, len(content) - 1))
    match draw(st.sampled_from(["whole", "cut off", "changed"])):
        case "cut off":
            del content[max(place, 1) :]
        case "changed":
            content[place] = draw(st.integers(0, 255))
    return bytes(content)


ROWS = {
    "application/x-ndjson": rows().map(lines) | st.binary(min_size=1),
    "text/csv": rows().map(table) | st.binary(min_size=1),
    "application/vnd.apache.arrow.stream": damaged("rows.arrow"),
    "application/vnd.apache.parquet": damaged("rows.parquet"),
}

for name, strategy in ROWS.items():
    schemathesis.openapi.media_type(name, strategy)
