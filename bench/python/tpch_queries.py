"""Prints DuckDB's 22 TPC-H queries as JSON, with the rows that DuckDB gets from the Parquet files of a folder.

Its own `tpch_answers()` belong to other texts than tpchgen's: comments and addresses differ, and with them five answers.
"""

import json
import sys
from pathlib import Path

import duckdb
from duckdb_extensions import import_extension

import_extension("tpch")
connection = duckdb.connect()
connection.execute("LOAD tpch")
for path in Path(sys.argv[1]).glob("*.parquet"):
    connection.execute(f"CREATE VIEW {path.stem} AS FROM '{path}'")


def rows(sql):
    return [[None if value is None else str(value) for value in row] for row in connection.execute(sql).fetchall()]


queries = connection.execute("SELECT query_nr, query FROM tpch_queries() ORDER BY query_nr").fetchall()
statements = [(number, sql.strip().rstrip(";")) for number, sql in queries]
print(json.dumps([{"number": number, "sql": sql, "rows": rows(sql)} for number, sql in statements]))
