"""Teaches schemathesis the media types that it does not know."""

import msgpack
import schemathesis


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
        return float(value) if abs(value) < 2**1000 else float("inf")
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


@schemathesis.serializer("application/sql")
def sql(ctx, value):
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else str(value).encode()


@schemathesis.deserializer("application/vnd.msgpack")
def read_message_pack(ctx, response):
    return msgpack.unpackb(response.content, strict_map_key=False)
