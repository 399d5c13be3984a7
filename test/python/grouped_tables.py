"""Writes tables whose groups lie together, apart, or both, into the folder that is given."""

import os
import random
import sys

import pyarrow as pa
from deltalake import write_deltalake

ROWS = 400_000
MANY = 1_200_007
rng = random.Random(2)


def grouped(keys):
    return pa.table(
        {
            "key": pa.array([None if key % 1009 == 0 else key for key in keys], pa.int64()),
            "word": pa.array([f"w{key}" for key in keys]),
            "amount": pa.array([(row * 31) % 977 for row in range(len(keys))], pa.int64()),
        }
    )


def write(name, keys, parts=2):
    rows = grouped(keys)
    part = -(-len(keys) // parts)
    for start in range(0, len(keys), part):
        write_deltalake(os.path.join(sys.argv[1], name), rows.slice(start, part), mode="append")


near = [row // 4 for row in range(ROWS)]
half = ROWS // 2
write("together", near)
# Of two ranges in turn.
write("woven", [near[half * (row // 5000 % 2) + row // 10000 * 5000 + row % 5000] for row in range(ROWS)])
write("apart", rng.sample(near, ROWS))
# Groups lie together at first, and are few after that.
write("turning", near[:half] + [row % 7 for row in range(half)])
# Groups lie together, and are there twice.
write("again", near[:half] + near[:half])
write("many", [row * 7919 % MANY for row in range(MANY)] + list(range(0, MANY, 5)), parts=3)
