"""Writes a large table and a small one that share keys of several types, into the folder that is given."""

import datetime
import os
import random
import sys

import pyarrow as pa
from deltalake import write_deltalake

ROWS = 240_000
DAYS = datetime.date(1969, 12, 1)
rng = random.Random(1)


def keyed(keys, **others):
    """Keys from -300 on, in each type."""
    return pa.table(
        {
            "near": pa.array(keys, pa.int32()),
            "far": pa.array([key * 3 for key in keys], pa.int64()),
            "day": pa.array([DAYS + datetime.timedelta(days=key) for key in keys], pa.date32()),
            "gaps": pa.array([None if key % 7 == 0 else key for key in keys], pa.int32()),
            **others,
        }
    )


keys = [rng.randrange(-300, 300) for _ in range(ROWS)]
facts = keyed(keys, amount=pa.array([row % 1000 for row in range(ROWS)], pa.int64()))
for part in range(3):
    write_deltalake(os.path.join(sys.argv[1], "facts"), facts.slice(part * ROWS // 3, ROWS // 3), mode="append")
# Some of its keys are beyond those of the other.
words = pa.array([rng.choice("abc") for _ in range(-320, 320, 8)])
write_deltalake(os.path.join(sys.argv[1], "chosen"), keyed(list(range(-320, 320, 8)), word=words))
