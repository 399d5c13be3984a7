"""The README's examples by the client that openapi-python-client makes."""

import sys

from lakegate.api.queries import run_query
from lakegate.api.tables import get_table
from lakegate.client import Client
from lakegate.models import Problem, QueryRequest

client = Client(base_url=sys.argv[1], timeout=60)


def query(**request):
    answer = run_query.sync(client=client, body=QueryRequest.from_dict(request))
    if isinstance(answer, Problem):
        print(answer.status, answer.code.value)
        return
    row = answer.data[0].to_dict()
    print(f"{answer.row_count} rows, {next(iter(row.values()))}")


query(
    sql="SELECT origin, count(*) AS flights, round(avg(delay), 1) AS mean_delay"
    " FROM flights GROUP BY origin ORDER BY flights DESC LIMIT 5"
)
query(
    sql="SELECT title, released, worldwide_gross FROM movies"
    " WHERE imdb_rating >= $rating AND released < $before ORDER BY worldwide_gross DESC",
    parameters={"rating": 8.5, "before": {"type": "Date32", "value": "1995-01-01"}},
    row_limit=2,
)
query(
    sql="SELECT count(*) AS airports, count(city) AS with_city FROM airports",
    tables={"airports": {"version": 0}},
)
query(sql="SELECT magnitude, plase\nFROM earthquakes")
table = get_table.sync("stocks", client=client)
print(f"{table.name} at {table.version}")
