"""Prints the encodings of each column in the Parquet files of a folder, as JSON."""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq

found = {}
for path in Path(sys.argv[1]).rglob("*.parquet"):
    metadata = pq.ParquetFile(path).metadata
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            found.setdefault(column.path_in_schema, set()).update(column.encodings)
print(json.dumps({name: sorted(encodings) for name, encodings in found.items()}))
