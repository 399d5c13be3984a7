"""Prints the encodings of each column in a Parquet file, as JSON."""

import json
import sys

import pyarrow.parquet as pq

found = {}
metadata = pq.ParquetFile(sys.argv[1]).metadata
for group in range(metadata.num_row_groups):
    for index in range(metadata.num_columns):
        column = metadata.row_group(group).column(index)
        found.setdefault(column.path_in_schema, set()).update(column.encodings)
print(json.dumps({name: sorted(encodings) for name, encodings in found.items()}))
