// The demo tables: the file of vega-datasets that each is made from, and the commits that make it.
export type SourceFormat = "parquet" | "csv" | "ndjson";

export interface DemoCommit {
  mode: "create" | "append" | "overwrite";
  sql: string;
}

export interface DemoTable {
  name: string;
  file: string;
  format: SourceFormat;
  partitionColumns?: string[];
  properties?: Record<string, string>;
  commits: DemoCommit[];
}

function grown(selects: string[]): DemoCommit[] {
  return selects.map((sql, index) => ({ mode: index === 0 ? "create" : "append", sql }));
}

const flights: DemoTable = {
  name: "flights",
  file: "flights-3m.parquet",
  format: "parquet",
  partitionColumns: ["month"],
  commits: grown(
    [1, 2, 3, 4, 5, 6, 7].map(
      (month) => `
        SELECT date, CAST(delay AS INT) AS delay, CAST(distance AS INT) AS distance, origin, destination, CAST(${month} AS INT) AS month
        FROM delivered
        WHERE date >= TIMESTAMP '2001-0${month}-01' AND date < TIMESTAMP '2001-0${month + 1}-01'`,
    ),
  ),
};

const airportColumns =
  "iata, name, city, state, country, CAST(latitude AS DOUBLE) AS latitude, CAST(longitude AS DOUBLE) AS longitude";

const airports: DemoTable = {
  name: "airports",
  file: "airports.csv",
  format: "csv",
  properties: { "delta.enableChangeDataFeed": "true" },
  commits: [
    { mode: "create", sql: `SELECT ${airportColumns} FROM delivered WHERE country = 'USA'` },
    { mode: "append", sql: `SELECT ${airportColumns} FROM delivered WHERE country <> 'USA'` },
    {
      mode: "overwrite",
      sql: `
        SELECT iata, name, NULLIF(city, 'NA') AS city, NULLIF(state, 'NA') AS state, country,
          CAST(latitude AS DOUBLE) AS latitude, CAST(longitude AS DOUBLE) AS longitude
        FROM delivered`,
    },
  ],
};

const seattleWeather: DemoTable = {
  name: "seattle_weather",
  file: "seattle-weather.csv",
  format: "csv",
  commits: grown(
    [2012, 2013, 2014, 2015].map(
      (year) => `
        SELECT CAST(date AS DATE) AS date, CAST(precipitation AS DECIMAL(5, 1)) AS precipitation,
          CAST(temp_max AS DECIMAL(4, 1)) AS temp_max, CAST(temp_min AS DECIMAL(4, 1)) AS temp_min,
          CAST(wind AS DECIMAL(4, 1)) AS wind, weather
        FROM delivered
        WHERE date_part('year', CAST(date AS DATE)) = ${year}`,
    ),
  ),
};

const stocks: DemoTable = {
  name: "stocks",
  file: "stocks.csv",
  format: "csv",
  partitionColumns: ["symbol"],
  commits: grown(
    ["MSFT", "AMZN", "IBM", "GOOG", "AAPL"].map(
      (symbol) => `
        SELECT symbol, to_date(date, '%b %d %Y') AS date, CAST(price AS DECIMAL(10, 2)) AS price
        FROM delivered
        WHERE symbol = '${symbol}'`,
    ),
  ),
};

const moviesReleased = (released: string) => `
  SELECT "Title" AS title, "Director" AS director, "Distributor" AS distributor, "Major Genre" AS genre, "MPAA Rating" AS mpaa_rating,
    ${released} AS released, CAST("Running Time min" AS INT) AS running_minutes,
    CAST("Production Budget" AS DECIMAL(14, 2)) AS budget, CAST("US Gross" AS DECIMAL(14, 2)) AS us_gross,
    CAST("Worldwide Gross" AS DECIMAL(14, 2)) AS worldwide_gross, CAST("IMDB Rating" AS DECIMAL(3, 1)) AS imdb_rating,
    "IMDB Votes" AS imdb_votes
  FROM delivered`;

const deliveredRelease = `to_date("Release Date", '%b %d %Y')`;

/** The file writes 1946 as 2046; the last commit sets such years right. */
const movies: DemoTable = {
  name: "movies",
  file: "movies.json",
  format: "ndjson",
  commits: [
    { mode: "create", sql: `${moviesReleased(deliveredRelease)} WHERE ${deliveredRelease} < DATE '2000-01-01'` },
    { mode: "append", sql: `${moviesReleased(deliveredRelease)} WHERE ${deliveredRelease} >= DATE '2000-01-01'` },
    {
      mode: "overwrite",
      sql: moviesReleased(
        `CASE WHEN ${deliveredRelease} < DATE '2012-01-01' THEN ${deliveredRelease} ELSE ${deliveredRelease} - INTERVAL '100 years' END`,
      ),
    },
  ],
};

const earthquakes: DemoTable = {
  name: "earthquakes",
  file: "earthquakes.json",
  format: "ndjson",
  commits: grown(
    [
      ["2018-01-31", "2018-02-02"],
      ["2018-02-02", "2018-02-04"],
      ["2018-02-04", "2018-02-06"],
      ["2018-02-06", "2018-02-08"],
    ].map(
      ([from, to]) => `
        SELECT id, arrow_cast(to_timestamp_millis(properties['time']), 'Timestamp(Microsecond, Some("UTC"))') AS time,
          CAST(properties['mag'] AS DECIMAL(4, 2)) AS magnitude, properties['place'] AS place,
          string_to_array(btrim(properties['types'], ','), ',') AS products, properties, geometry
        FROM delivered
        WHERE to_timestamp_millis(properties['time']) >= TIMESTAMP '${from}' AND to_timestamp_millis(properties['time']) < TIMESTAMP '${to}'`,
    ),
  ),
};

export const demoTables = [flights, airports, seattleWeather, stocks, movies, earthquakes];
