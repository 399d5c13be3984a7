/** Keys and tokens: who is let in, what each caller sees, and what belongs to whom. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { buildApp } from "../../api/app.js";
import { readConfig } from "../../api/config.js";
import type { Engine } from "../../engine/index.js";
import type {
  ExplainAnswer,
  QueryAcceptance,
  QueryAnswer,
  QueryList,
  SessionDescription,
  TableList,
  ViewList,
} from "../../schemas/generated/index.js";
import { inRoot, testWarehouse } from "../../setup/places.mjs";
import type { Answer, Sending } from "../fixture/client.js";
import { bearer, makeKey, startGuarded } from "../fixture/keys.js";
import { assertProblem } from "../fixture/problem.js";
import { failingStart, startServer, type TestServer, temporaryFolder } from "../fixture/server.js";

type Guarded = Awaited<
  ReturnType<typeof startGuarded<"all" | "airports" | "weather" | "viewer" | "writer" | "merger" | "limited">>
>;

const slow = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b";

describe("callers with keys", () => {
  let server: Guarded;
  const warehouse = temporaryFolder();

  const send = (key: string, path: string, { headers, ...sending }: Sending = {}): Promise<Answer> =>
    server.client.send(path, { ...sending, headers: { ...headers, ...bearer(key) } });
  const post = (key: string, path: string, body: unknown, method = "POST"): Promise<Answer> =>
    server.client.sendJson(path, body, { method, headers: bearer(key) });
  const query = (key: string, request: string | object): Promise<Answer> => server.client.query(request, bearer(key));
  const rows = async (key: string, request: string | object) => {
    const answer = await query(key, request);
    assert.equal(answer.status, 200, answer.text);
    return answer.as<QueryAnswer>().data;
  };

  before(async () => {
    cpSync(testWarehouse, warehouse, { recursive: true });
    server = await startGuarded(
      {
        all: { scopes: ["read", "write", "admin"] },
        airports: { terms: { visible: ["airp*"] } },
        weather: { terms: { visible: ["seattle_weather", "stock?"] } },
        viewer: { terms: { visible: ["big_airports"] } },
        writer: { scopes: ["write"], terms: { visible: ["new_*"] } },
        merger: { scopes: ["read", "write"], terms: { visible: ["new_*", "stocks"] } },
        limited: { terms: { row_limit: 3, timeout_ms: 400, memory_bytes: 1 << 20 }, concurrent_queries: 1 },
      },
      { warehouse },
    );
    const { all } = server.keys;
    const sql = "SELECT iata, state FROM airports WHERE state = 'AK'";
    assert.equal((await post(all, "/v1/views/big_airports", { sql }, "PUT")).status, 201);
    const kept = { sql: "SELECT state, count(*) AS n FROM airports GROUP BY state", cache_policy: "disk" };
    assert.equal((await post(all, "/v1/views/by_state", kept, "PUT")).status, 201);
  });
  after(async () => {
    await server.stop();
    for (const folder of [server.state, warehouse]) rmSync(folder, { recursive: true, force: true });
  });

  it("see only the tables and views that their patterns show, wherever names are listed", async () => {
    const { airports, weather, viewer, all } = server.keys;
    const tables = async (key: string) => (await send(key, "/v1/tables")).as<TableList>().items.map(({ name }) => name);
    assert.deepEqual(await tables(airports), ["airports"]);
    assert.deepEqual(await tables(weather), ["seattle_weather", "stocks"]);
    assert.deepEqual(await tables(viewer), []);
    assert.ok((await tables(all)).length > 4);
    const views = async (key: string) => (await send(key, "/v1/views")).as<ViewList>().items.map(({ name }) => name);
    assert.deepEqual(await views(viewer), ["big_airports"]);
    assert.deepEqual(await views(airports), []);
    for (const sql of ["SHOW TABLES", "SELECT DISTINCT table_name FROM information_schema.columns"]) {
      const answer = await query(weather, `${sql}`);
      const names = answer.as<QueryAnswer>().data.map((row) => (row as { table_name: string }).table_name);
      const own = names.filter(
        (name) => !/^(tables|views|columns|df_settings|schemata|routines|parameters)$/.test(name),
      );
      assert.deepEqual([...new Set(own)].sort(), ["seattle_weather", "stocks"], sql);
      assert.doesNotMatch(answer.text, /airports|flights|movies/);
    }
    const document = (await send(viewer, "/openapi.json")).text;
    assert.match(document, /views\/big_airports\/rows/);
    assert.doesNotMatch((await server.client.send("/openapi.json")).text, /big_airports/);
    assert.doesNotMatch((await send(airports, "/openapi.json")).text, /big_airports/);
  });

  const statements = [
    "SELECT * FROM flights",
    "SELECT * FROM airports JOIN flights ON true",
    "WITH f AS (SELECT * FROM flights) SELECT * FROM f",
    "SELECT (SELECT count(*) FROM flights)",
    "SELECT * FROM airports WHERE iata IN (SELECT origin FROM flights)",
    "SELECT * FROM lakegate.public.flights",
    'SELECT * FROM "flights"',
    "SELECT 1 UNION ALL SELECT delay FROM flights",
    "EXPLAIN SELECT * FROM flights",
    "DESCRIBE flights",
    "SHOW COLUMNS FROM flights",
    "SELECT * FROM by_state",
    "SELECT * FROM LATERAL (SELECT * FROM flights)",
  ];
  for (const sql of statements) {
    it(`can't name others in SQL: ${sql}`, async () => {
      const { airports } = server.keys;
      const answer = await query(airports, sql);
      assert.match(
        assertProblem(answer, { status: 422, code: "unknown_table" }).detail,
        /no table '(flights|by_state)'/,
      );
      const url = await send(airports, `/v1/query?sql=${encodeURIComponent(sql)}`);
      assertProblem(url, { status: 422, code: "unknown_table" });
    });
  }

  it("are told nothing of others by suggestions, explain, gates, contracts or table routes", async () => {
    const { airports } = server.keys;
    const near = await query(airports, "SELECT * FROM flight");
    assert.doesNotMatch(near.text, /flights/);
    assert.doesNotMatch((await send(airports, "/v1/tables/airp_flights")).text, /'flights'|closest/);
    assertProblem(await post(airports, "/v1/queries/explain", { sql: "SELECT * FROM flights" }), {
      status: 422,
      code: "unknown_table",
    });
    for (const path of ["", "/snapshot", "/schema", "/history", "/files", "/changes?starting_version=0"])
      assertProblem(await send(airports, `/v1/tables/flights${path}`), { status: 404, code: "table_not_found" });
    assertProblem(await send(airports, "/v1/views/by_state/rows"), { status: 404, code: "view_not_found" });
    assertProblem(await post(airports, "/v1/gates/validate", { table: "flights", gate: {} }), {
      status: 404,
      code: "table_not_found",
    });
  });

  it("read through a view what they may not name, and only that", async () => {
    const { viewer, airports } = server.keys;
    const through = await rows(viewer, "SELECT count(*) AS n, min(state) AS state FROM big_airports");
    assert.deepEqual(
      through,
      await rows(airports, "SELECT count(*) AS n, 'AK' AS state FROM airports WHERE state = 'AK'"),
    );
    assertProblem(await query(viewer, "SELECT * FROM airports"), { status: 422, code: "unknown_table" });
    const url = await send(viewer, "/v1/views/big_airports/rows?row_limit=1");
    assert.equal(url.status, 200, url.text);
    const plan = await post(viewer, "/v1/queries/explain", { sql: "SELECT * FROM big_airports" });
    assert.deepEqual(
      plan.as<ExplainAnswer>().tables.map(({ name }) => name),
      ["airports"],
    );
  });

  const probes = [
    "SELECT count(*) FROM big_airports WHERE CAST(iata AS INT) = 1",
    "SELECT count(*) FROM big_airports WHERE 1 / CAST(state <> 'MS' AS INT) = 1 AND state = 'AK'",
    "SELECT * FROM big_airports ORDER BY CAST(iata AS INT) LIMIT 1",
    "SELECT sum(CAST(iata AS INT)) FROM big_airports GROUP BY state",
    "SELECT * FROM big_airports a JOIN big_airports b ON CAST(a.iata AS INT) = CAST(b.iata AS INT)",
    "SELECT * FROM (SELECT CAST(iata AS INT) AS n FROM big_airports) WHERE n = 1",
  ];
  for (const sql of probes) {
    it(`aren't shown rows that a view leaves out by failing on them: ${sql}`, async () => {
      const { viewer, all } = server.keys;
      const inside = (await rows(all, "SELECT iata FROM airports WHERE state = 'AK'")) as { iata: string }[];
      const { text } = await query(viewer, sql);
      const [, shown] = /Cannot cast string '([^']*)'/.exec(text) ?? [];
      assert.ok(shown === undefined || inside.some(({ iata }) => iata === shown), text);
      assert.doesNotMatch(text, /[Dd]ivide by zero/);
    });
  }

  it("read the same through a view that is sealed as those do who may name all", async () => {
    const { viewer, all } = server.keys;
    for (const sql of [
      "SELECT * FROM big_airports ORDER BY iata",
      "SELECT iata FROM big_airports WHERE iata > 'B' ORDER BY 1 DESC LIMIT 5",
      "SELECT a.state, count(*) AS n FROM big_airports a JOIN big_airports b USING (iata) GROUP BY 1",
      "WITH v AS (SELECT * FROM big_airports) SELECT count(DISTINCT iata) AS n FROM v WHERE iata LIKE 'A%'",
      "SELECT (SELECT max(iata) FROM big_airports) AS last",
    ])
      assert.deepEqual(await rows(viewer, sql), await rows(all, sql), sql);
    const changing = "SELECT iata, random() AS r FROM airports WHERE state = 'AK'";
    assert.equal((await post(all, "/v1/views/changing", { sql: changing }, "PUT")).status, 201);
    const key = await makeKey(server.state, { terms: { visible: ["changing"] } });
    const answer = await waitFor(
      () => query(key, "SELECT max(r) FROM changing"),
      ({ status }) => status === 200,
    );
    assert.equal(answer.as<QueryAnswer>().cache?.status, "bypass");
  });

  it("never get the kept result of a caller with other rights", async () => {
    const { all, airports, weather } = server.keys;
    const sql = "SELECT count(*) AS n FROM airports";
    const first = await query(all, sql);
    assert.equal(first.as<QueryAnswer>().cache?.status, "miss");
    assertProblem(await query(weather, sql), { status: 422, code: "unknown_table" });
    const shared = await query(airports, sql);
    assert.deepEqual(shared.as<QueryAnswer>().data, first.as<QueryAnswer>().data);
    assert.equal(shared.as<QueryAnswer>().cache?.key, first.as<QueryAnswer>().cache?.key);
    const path = `/v1/query?sql=${encodeURIComponent(sql)}`;
    for (let again = 0; again < 3; again += 1) {
      assert.equal((await send(all, path)).status, 200);
      assertProblem(await send(weather, path), { status: 422, code: "unknown_table" });
      assertProblem(await server.client.send(path), { status: 401, code: "unauthenticated" });
    }
    const viaView = "SELECT n FROM by_state WHERE state = 'AK'";
    assert.equal((await query(all, viaView)).status, 200);
    assertProblem(await query(airports, viaView), { status: 422, code: "unknown_table" });
  });

  it("have queries, results and sessions of their own; an administrator sees all", async () => {
    const { airports, weather, all } = server.keys;
    const accepted = await query(airports, { sql: "SELECT count(*) AS n FROM airports", wait_timeout_ms: 0 });
    const { query_id } = accepted.as<QueryAcceptance>();
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/result"],
      ["DELETE", ""],
    ] as const)
      assertProblem(await send(weather, `/v1/queries/${query_id}${path}`, { method }), {
        status: 404,
        code: "query_not_found",
      });
    const ids = async (key: string) =>
      (await send(key, "/v1/queries?limit=1000")).as<QueryList>().items.map((item) => item.query_id);
    assert.ok((await ids(airports)).includes(query_id));
    assert.ok(!(await ids(weather)).includes(query_id));
    assert.ok((await ids(all)).includes(query_id));
    assert.equal((await send(all, `/v1/queries/${query_id}`)).status, 200);

    const { session_id } = (await post(airports, "/v1/sessions", {})).as<SessionDescription>();
    assert.equal((await query(airports, { sql: "SELECT 1 AS one", session_id })).status, 200);
    assertProblem(await query(airports, { sql: "SELECT * FROM stocks", session_id }), {
      status: 422,
      code: "unknown_table",
    });
    assertProblem(await query(weather, { sql: "SELECT 1 AS one", session_id }), {
      status: 404,
      code: "session_not_found",
    });
    assertProblem(await send(weather, `/v1/sessions/${session_id}`, { method: "DELETE" }), {
      status: 404,
      code: "session_not_found",
    });
    assert.doesNotMatch((await send(weather, "/v1/sessions")).text, new RegExp(session_id));
    assert.match((await send(all, "/v1/sessions")).text, new RegExp(session_id));
  });

  it("write only what they may name, and merge only what they may read", async () => {
    const { writer } = server.keys;
    const text = { headers: { "content-type": "application/x-ndjson" }, method: "POST", body: '{"id":1}\n' };
    assertProblem(await send(writer, "/v1/tables/airports/rows", text), { status: 404, code: "table_not_found" });
    const lacking = await send(writer, "/v1/tables/airports");
    assert.deepEqual(assertProblem(lacking, { status: 403, code: "scope_missing" }).details, { scope: "read" });
    assertProblem(await query(writer, "SELECT 1"), { status: 403, code: "scope_missing" });
    const made = await send(writer, "/v1/tables/new_rows/rows?mode=create", text);
    assert.equal(made.status, 201, made.text);
    const merge = (source: object) => ({ predicate: "source.id = target.id", source, matched_delete: true });
    const sources = (name: string) => [{ table: { name } }, { sql: `SELECT 1 AS id FROM ${name}` }];
    for (const key of [writer, server.keys.merger]) {
      for (const source of sources("airports")) {
        const refused = await post(key, "/v1/tables/new_rows/merge", merge(source));
        assertProblem(refused, { status: 422, code: "unknown_table" });
      }
    }
    for (const source of sources("new_rows"))
      assertProblem(await post(writer, "/v1/tables/new_rows/merge", merge(source)), {
        status: 422,
        code: "unknown_table",
      });
    const merged = await post(
      server.keys.merger,
      "/v1/tables/new_rows/merge",
      merge({ sql: "SELECT 7 AS id FROM stocks" }),
    );
    assert.equal(merged.status, 200, merged.text);
  });

  it("don't repeat what another did under the same idempotency key", async () => {
    const { writer, merger } = server.keys;
    const append = (key: string) =>
      send(key, "/v1/tables/new_rows/rows", {
        method: "POST",
        headers: { "content-type": "application/x-ndjson", "idempotency-key": "once" },
        body: '{"id":2}\n',
      });
    const versions = [];
    for (const key of [writer, writer, merger, merger])
      versions.push((await append(key)).as<{ version: number }>().version);
    const [first = 0, repeated, other = 0, repeatedOther] = versions;
    assert.deepEqual([repeated, repeatedOther], [first, other]);
    assert.ok(other > first);
  });

  it("are held to the limits of their keys", async () => {
    const { limited } = server.keys;
    const short = (await query(limited, "SELECT * FROM airports")).as<QueryAnswer>();
    assert.deepEqual([short.row_count, short.truncated], [3, true]);
    const asked = (await query(limited, { sql: "SELECT * FROM airports", row_limit: 100 })).as<QueryAnswer>();
    assert.equal(asked.row_count, 3);
    assertProblem(await query(limited, slow), { status: 504, code: "query_timeout" });
    assertProblem(await query(limited, { sql: "SELECT 1", timeout_ms: 10_000 }), {
      status: 400,
      code: "invalid_request",
    });
    const sort = await query(limited, "SELECT array_agg(value) FROM generate_series(1, 3000000)");
    assertProblem(sort, { status: 422, code: "memory_exceeded" });
    const running = query(limited, slow);
    const second = await waitFor(
      () => query(limited, "SELECT 1"),
      ({ status }) => status === 429,
    );
    assert.equal(assertProblem(second, { status: 429, code: "too_many_requests" }).details?.maximum, 1);
    assert.equal(second.headers.get("retry-after"), "1");
    await running;
  });

  it("come and go while the service runs", async () => {
    const key = await makeKey(server.state, { scopes: ["read"], terms: { visible: ["stocks"] } });
    await waitFor(
      () => send(key, "/v1/tables"),
      ({ status }) => status === 200,
    );
    rmSync(`${server.state}/keys/${key.split("_")[1]}.json`);
    const gone = await waitFor(
      () => send(key, "/v1/tables"),
      ({ status }) => status !== 200,
    );
    assertProblem(gone, { status: 401, code: "unauthenticated" });
  });

  it("leave no key in the state folder, the log or an answer", async () => {
    const { readdirSync, readFileSync } = await import("node:fs");
    const folder = `${server.state}/keys`;
    const stored = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, "utf8"));
    for (const key of Object.values(server.keys)) {
      const secret = key.split("_").slice(2).join("_");
      assert.ok(!stored.join("").includes(secret) && !server.output().includes(secret));
    }
  });
});

describe("lakegate keys", () => {
  const state = temporaryFolder();
  const run = (...args: string[]) => {
    const command = ["--import", "tsx", "api/cli.ts", "keys", ...args];
    const environment = { PATH: process.env.PATH ?? "", LAKEGATE_STATE: state };
    return spawnSync(process.execPath, command, { cwd: inRoot(), encoding: "utf8", env: environment });
  };
  after(() => rmSync(state, { recursive: true }));

  it("makes keys that are shown once, lists and revokes them", async () => {
    const wanted = [
      "--scope",
      "read",
      "write",
      "--table",
      "air*",
      "--rows",
      "7",
      "--bytes",
      "1MiB",
      "--expires",
      "2100-01-01",
    ];
    const made = run("create", "dashboards", ...wanted);
    const key = made.stdout.trim().split("\n").at(-1) ?? "";
    assert.match(key, /^lakegate_[0-9a-f]{16}_[\w-]{43}$/, made.stderr);
    const listed = run("list").stdout;
    assert.match(listed, /^[0-9a-f]{16}\tdashboards\tread write\tair\*\tuntil 2100-01-01/);
    assert.ok(!listed.includes(key.split("_").slice(2).join("_")));
    const server = await startServer({ state, environment: { LAKEGATE_AUTH: "keys" } });
    const answer = await server.client.query("SELECT * FROM airports", bearer(key));
    assert.equal(answer.as<QueryAnswer>().row_count, 7);
    assert.equal(run("revoke", key.split("_")[1] ?? "").status, 0);
    const gone = await waitFor(
      () => server.client.send("/v1/tables", { headers: bearer(key) }),
      ({ status }) => status !== 200,
    );
    assertProblem(gone, { status: 401, code: "unauthenticated" });
    await server.stop();
  });

  const refused: readonly (readonly string[])[] = [
    ["create"],
    ["create", "x", "--scope", "everything"],
    ["create", "x", "--rows", "many"],
    ["create", "x", "--bytes", "0"],
    ["create", "x", "--expires", "2001-01-01"],
    ["revoke", "0123456789abcdef"],
  ];
  for (const args of refused) {
    it(`refuses ${args.join(" ")} in a sentence`, () => {
      const { status, stderr } = run(...args);
      assert.equal(status, 1);
      assert.match(stderr, /\w+ \w+ \w+/);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }
});

describe("callers with tokens", () => {
  const issuer = "https://issuer.example";
  const audience = "lakegate";
  let server: TestServer;
  let issuerServer: Server;
  let sign: (claims: JWTPayload, header?: { alg?: string; kid?: string }) => Promise<string>;
  let forge: typeof sign;

  before(async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256");
    const other = await generateKeyPair("ES256");
    const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" };
    issuerServer = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] }))).listen(
      0,
      "127.0.0.1",
    );
    await new Promise((resolve) => issuerServer.once("listening", resolve));
    const { port } = issuerServer.address() as AddressInfo;
    const signer = (key: CryptoKey) => (claims: JWTPayload) =>
      new SignJWT({ iss: issuer, aud: audience, sub: "ada", exp: Math.trunc(Date.now() / 1000) + 60, ...claims })
        .setProtectedHeader({ alg: "ES256", kid: "one" })
        .sign(key);
    sign = signer(privateKey);
    forge = signer(other.privateKey);
    server = await startServer({
      environment: {
        LAKEGATE_AUTH: "jwt",
        LAKEGATE_JWT_JWKS: `http://127.0.0.1:${port}/keys`,
        LAKEGATE_JWT_ISSUER: issuer,
        LAKEGATE_JWT_AUDIENCE: audience,
        LAKEGATE_JWT_TABLES: "tables",
      },
    });
  });
  after(async () => {
    await server.stop();
    issuerServer.close();
  });

  const tables = (token: string) => server.client.send("/v1/tables", { headers: bearer(token) });

  it("are let in by their claims", async () => {
    const token = await sign({ scope: "openid read", tables: ["air*"] });
    for (let again = 0; again < 2; again += 1)
      assert.deepEqual(
        (await tables(token)).as<TableList>().items.map(({ name }) => name),
        ["airports"],
      );
    assert.deepEqual((await tables(await sign({ scope: ["read"] }))).as<TableList>().items, []);
    assertProblem(await tables(await sign({ scope: "write" })), { status: 403, code: "scope_missing" });
    assertProblem(await tables(await sign({ tables: "*" })), { status: 403, code: "scope_missing" });
  });

  it("are refused with tokens of others, for others, expired or unsigned", async () => {
    const past = Math.trunc(Date.now() / 1000) - 60;
    const [header = "", payload = ""] = (await sign({ scope: "read" })).split(".");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    const symmetric = Buffer.from('{"alg":"HS256","kid":"one"}').toString("base64url");
    const wrong = [
      await forge({ scope: "read" }),
      await sign({ scope: "read", iss: "https://other.example" }),
      await sign({ scope: "read", aud: "other" }),
      await sign({ scope: "read", exp: past }),
      await sign({ scope: "read", exp: undefined }),
      await sign({ scope: "read", sub: undefined }),
      await sign({ scope: "read", nbf: past + 3600 }),
      `${none}.${payload}.`,
      `${symmetric}.${payload}.AAAA`,
      `${header}.${payload}.AAAA`,
      "nothing",
    ];
    for (const token of wrong) assertProblem(await tables(token), { status: 401, code: "unauthenticated" });
  });
});

describe("a service that others can reach", () => {
  it("doesn't start without authentication, and says what to set", async () => {
    for (const LAKEGATE_AUTH of ["", "none"]) {
      const { code, output } = await failingStart({ HOST: "0.0.0.0", LAKEGATE_AUTH });
      assert.equal(code, 1);
      assert.match(output, /HOST 0\.0\.0\.0 can be reached by others.*LAKEGATE_AUTH=keys/);
    }
  });

  it("starts with it", () => {
    assert.equal(readConfig({ HOST: "0.0.0.0", LAKEGATE_AUTH: "keys" }).host, "0.0.0.0");
  });

  it("doesn't start with a route that declares no scope", async () => {
    const { app: config } = readConfig({ LAKEGATE_LOG_LEVEL: "silent" });
    const app = await buildApp({ config, engine: {} as Engine });
    app.get("/v1/forgotten", () => "rows");
    await assert.rejects(async () => app.ready(), /GET \/v1\/forgotten doesn't declare who may call it/);
  });
});

async function waitFor(send: () => Promise<Answer>, isThere: (answer: Answer) => boolean): Promise<Answer> {
  for (const started = Date.now(); ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const answer = await send();
    if (isThere(answer) || Date.now() - started > 20_000) return answer;
  }
}
