/** The demo tables hold what the dataset holds, and every version of it. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { QueryAnswer, TableDescription } from "../schemas/generated/index.js";
import { demoTables } from "../setup/demo/tables.js";
import { startServer, type TestServer } from "./fixture/server.js";

describe("demo tables", () => {
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const rows: Record<string, number[]> = {
    airports: [3372, 3376, 3376],
    earthquakes: [429, 930, 1480, 1707],
    flights: [508239, 966409, 1477911, 1978941, 2497772, 2999994, 3000000],
    movies: [1255, 3201, 3201],
    seattle_weather: [366, 731, 1096, 1461],
    stocks: [123, 246, 369, 437, 560],
  };

  for (const { name, commits } of demoTables) {
    it(`${name}, in ${commits.length} versions`, async () => {
      const counts = [];
      for (const version of commits.keys()) {
        const sql = `SELECT count(*) AS n FROM ${name}`;
        const [row] = await server.client.rows({ sql, tables: { [name]: { version } } });
        counts.push((row as { n: number }).n);
        const described = (await server.client.send(`/v1/tables/${name}?version=${version}`)).as<TableDescription>();
        assert.equal(described.rows, counts.at(-1), "the log's statistics");
      }
      assert.deepEqual(counts, rows[name]);
    });
  }

  it("keep sums, decimals, times and nulls", async () => {
    const sql = `
      SELECT
        (SELECT sum(delay) FROM flights) AS delay,
        (SELECT sum(price) FROM stocks) AS price,
        (SELECT min(released) FROM movies) AS oldest,
        (SELECT count(*) - count(director) FROM movies) AS undirected,
        (SELECT max(date) FROM flights) AS latest,
        (SELECT max(time) FROM earthquakes) AS shaken`;
    const answer = await server.client.query({ sql, numbers: "string" });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.as<QueryAnswer>().data, [
      {
        delay: "20003603",
        price: "56411.20",
        oldest: "1915-02-08",
        undirected: "1331",
        latest: "2001-07-01T00:00:00",
        shaken: "2018-02-07T01:26:13.840Z",
      },
    ]);
  });

  it("set right in a later version what was delivered wrong", async () => {
    const sql = "SELECT count(*) AS n FROM movies WHERE date_part('year', released) > 2012";
    assert.deepEqual(await server.client.rows({ sql, tables: { movies: { version: 1 } } }), [{ n: 22 }]);
    assert.deepEqual(await server.client.rows(sql), [{ n: 0 }]);
  });

  it("keep nested columns", async () => {
    const sql = `
      SELECT place, geometry['type'] AS shape, geometry['coordinates'][3] AS depth, array_length(products) AS products
      FROM earthquakes WHERE id = 'ci37868143'`;
    assert.deepEqual(await server.client.rows(sql), [
      { place: "4km W of Castaic, CA", shape: "Point", depth: 26.49, products: 5 },
    ]);
  });
});
