/** The README's examples as any client sends them, and the line that each client prints of each answer. */
export interface ClientExample {
  readonly request?: object;
  readonly table?: string;
}

export const examples: readonly ClientExample[] = [
  {
    request: {
      sql: "SELECT origin, count(*) AS flights, round(avg(delay), 1) AS mean_delay FROM flights GROUP BY origin ORDER BY flights DESC LIMIT 5",
    },
  },
  {
    request: {
      sql: "SELECT title, released, worldwide_gross FROM movies WHERE imdb_rating >= $rating AND released < $before ORDER BY worldwide_gross DESC",
      parameters: { rating: 8.5, before: { type: "Date32", value: "1995-01-01" } },
      row_limit: 2,
    },
  },
  {
    request: {
      sql: "SELECT count(*) AS airports, count(city) AS with_city FROM airports",
      tables: { airports: { version: 0 } },
    },
  },
  { request: { sql: "SELECT magnitude, plase\nFROM earthquakes" } },
  { table: "stocks" },
];

/** What plain HTTP gives. */
export async function expectedLines(url: string): Promise<string[]> {
  return Promise.all(examples.map((example) => expectedLine(url, example)));
}

async function expectedLine(url: string, { request, table }: ClientExample): Promise<string> {
  const response = await (table === undefined
    ? fetch(`${url}/v1/queries`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(request),
      })
    : fetch(`${url}/v1/tables/${table}`));
  const answer = (await response.json()) as Record<string, unknown>;
  if (response.status !== 200) return `${response.status} ${answer["code"]}`;
  if (table !== undefined) return `${answer["name"]} at ${answer["version"]}`;
  const [row = {}] = answer["data"] as object[];
  return `${answer["row_count"]} rows, ${Object.values(row)[0]}`;
}
