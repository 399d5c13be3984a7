"""Reads tables with the Delta kernel, by DuckDB."""

import duckdb
from duckdb_extensions import import_extension

from difference import answer

import_extension("delta")
connection = duckdb.connect()
connection.execute("LOAD delta")
connection.execute("SET TimeZone = 'UTC'")


def read(folder, version):
    return connection.execute(f"SELECT * FROM delta_scan('{folder}', version := {version})").to_arrow_table()


answer(read)
