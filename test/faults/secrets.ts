/** Canaries where secrets are sent: none comes back in an answer, an error, the log, a figure, a plan, a kept file or the document. */
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { encode } from "@msgpack/msgpack";
import type { Sending } from "../fixture/client.js";
import { bearer, startGuarded } from "../fixture/keys.js";
import { temporaryFolder } from "../fixture/server.js";
import { writeTable } from "../fixture/tables.js";
import type { Suite } from "./run.js";

/** Different in each place, so that a leak says where it came from. */
const canary = (place: string) => `canary0${place}0${Buffer.from(place).toString("hex")}`;
const places = [
  "secretkey",
  "token",
  "endpoint",
  "uri",
  "uripassword",
  "query",
  "bearer",
  "basic",
  "header",
  "cookie",
  "json",
  "pack",
  "wrong",
];

const json = { "content-type": "application/json" };
const body = (value: object, method = "PUT"): Sending => ({ method, headers: json, body: JSON.stringify(value) });

export const secrets: Suite = async () => {
  const warehouse = temporaryFolder();
  await writeTable(warehouse, "plain", [{ mode: "create", sql: "SELECT 1 AS n" }]);
  const s3 = createServer((_request, response) =>
    response.writeHead(403).end("<Error><Code>AccessDenied</Code></Error>"),
  );
  await new Promise<void>((resolve) => s3.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(s3.address() as AddressInfo).port}`;
  const server = await startGuarded(
    { all: { scopes: ["read", "write", "admin"] } },
    {
      warehouse,
      environment: { LAKEGATE_LOCATIONS: "s3://lake", LAKEGATE_S3_ENDPOINTS: endpoint, LAKEGATE_LOG_LEVEL: "trace" },
    },
  );
  const answers: [string, string][] = [];
  const send = async (name: string, path: string, { headers, ...sending }: Sending = {}) => {
    const answer = await server.client.send(path, { ...sending, headers: { ...bearer(server.keys.all), ...headers } });
    answers.push([name, `${JSON.stringify([...answer.headers])}\n${answer.text}`]);
  };
  for (const [name, path, sending] of requests(endpoint, warehouse)) await send(name, path, sending);
  for (const path of shows) await send(path, path);
  await server.stop();
  const faults = answers.flatMap(([name, text]) => leaks(name, text));
  faults.push(...leaks("the log", server.output()), ...leaks("the keys' log", keysIn(server.output(), server.keys)));
  faults.push(...fileLeaks(server.state), ...fileLeaks(warehouse));
  const stored = join(server.state, "tables", "kept.json");
  const isKept = readFileSync(stored, "utf8").includes(canary("secretkey"));
  if (!isKept) faults.push("the options of a table are not kept, so that nothing was tried");
  if ((statSync(stored).mode & 0o077) !== 0) faults.push("others can read the options of tables");
  s3.close();
  for (const folder of [server.state, warehouse]) rmSync(folder, { recursive: true, force: true });
  console.log(`  ${answers.length} answers, ${server.output().length} characters of log, ${places.length} canaries`);
  return faults;
};

/** What shows anything, asked once all canaries are out. */
const shows = [
  "/v1/tables",
  "/v1/tables/kept",
  "/v1/tables/kept/snapshot",
  "/v1/tables/kept/history",
  "/v1/tables/kept/files",
  "/v1/registries",
  "/v1/registries/snapshot",
  "/v1/registries/tables/snapshot",
  "/v1/queries?limit=1000",
  "/v1/sessions",
  "/v1/cache",
  "/metrics",
  "/openapi.json",
  "/health/ready",
  "/v1/query?sql=SELECT%20*%20FROM%20kept",
];

function requests(endpoint: string, warehouse: string): [string, string, Sending][] {
  const keys = {
    aws_access_key_id: "id",
    aws_secret_access_key: canary("secretkey"),
    aws_session_token: canary("token"),
  };
  const options = { ...keys, aws_endpoint: endpoint, aws_region: "us-east-1", aws_allow_http: "true" };
  const at = (uri: string, storage_options: object = options) => body({ uri, storage_options });
  const withHeaders = (headers: Record<string, string>): Sending => ({ headers });
  const explain = body({ sql: "SELECT * FROM kept", analyze: true }, "POST");
  return [
    ["a table of a folder with options", "/v1/tables/kept", at(join(warehouse, "plain"))],
    ["a bucket that refuses", "/v1/tables/refused", at("s3://lake/table")],
    ["a bucket that isn't allowed", "/v1/tables/other", at("s3://other/table")],
    [
      "an endpoint with a password",
      "/v1/tables/e1",
      at("s3://lake/t", { ...keys, aws_endpoint: `http://u:${canary("endpoint")}@127.0.0.1` }),
    ],
    [
      "an endpoint with a query",
      "/v1/tables/e2",
      at("s3://lake/t", { ...keys, aws_endpoint: `${endpoint}/?key=${canary("endpoint")}` }),
    ],
    ["a broken endpoint", "/v1/tables/e3", at("s3://lake/t", { ...keys, aws_endpoint: `://${canary("endpoint")}` })],
    ["a URI with keys", "/v1/tables/u1", at(`s3://id:${canary("uripassword")}@lake/table`)],
    [
      "a URI with a signature",
      "/v1/tables/u2",
      at(`https://lake.example/table?X-Amz-Signature=${canary("uri")}#${canary("uri")}`),
    ],
    ["a URI of a database", "/v1/tables/u3", at(`postgres://u:${canary("uripassword")}@db/lake`)],
    ["a URI that is none", "/v1/tables/u4", at(`https://u:${canary("uripassword")}@[broken/x?sig=${canary("uri")}`)],
    [
      "a table to be made",
      "/v1/tables/m1",
      body({
        uri: `s3://id:${canary("uripassword")}@lake/x`,
        columns: [{ name: "n", dtype: "Int64" }],
        storage_options: options,
      }),
    ],
    ["files to be converted", "/v1/tables/c1/convert", body({ uri: "s3://lake/x", storage_options: options }, "POST")],
    ["an option of the wrong type", "/v1/tables/w1", at("s3://lake/t", { aws_secret_access_key: [canary("wrong")] })],
    ["an unknown option", "/v1/tables/w2", at("s3://lake/t", { google_service_account_key: canary("wrong") })],
    [
      "a region that is none",
      "/v1/tables/w3",
      at("s3://lake/t", { ...options, aws_region: canary("wrong"), aws_allow_http: canary("wrong") }),
    ],
    [
      "JSON that breaks off",
      "/v1/tables/j1",
      {
        method: "PUT",
        headers: json,
        body: `{"storage_options": {"aws_secret_access_key": "${canary("json")}", ${canary("json")}`,
      },
    ],
    ["JSON of the wrong kind", "/v1/tables/j2", { method: "PUT", headers: json, body: JSON.stringify(canary("json")) }],
    [
      "MessagePack that breaks off",
      "/v1/tables/p1",
      {
        method: "PUT",
        headers: { "content-type": "application/vnd.msgpack" },
        body: encode({ uri: canary("pack") }).slice(0, -2),
      },
    ],
    [
      "a merge from storage",
      "/v1/tables/plain/merge",
      body(
        {
          predicate: "true",
          source: { table: { table_uri: "s3://lake/x", storage_options: options } },
          matched_delete: true,
        },
        "POST",
      ),
    ],
    [
      "a catalog with options",
      "/v1/registries/snapshot",
      body({ tables: { restored: { uri: "s3://lake/x", storage_options: options } } }),
    ],
    ["a plan", "/v1/queries/explain", explain],
    ["a result", "/v1/queries", body({ sql: "SELECT * FROM kept" }, "POST")],
    ["a made-up key", "/v1/tables", withHeaders({ authorization: `Bearer ${canary("bearer")}` })],
    [
      "a password",
      "/v1/tables",
      withHeaders({ authorization: `Basic ${Buffer.from(`u:${canary("basic")}`).toString("base64")}` }),
    ],
    [
      "a key in a header",
      "/v1/nothing",
      withHeaders({ "x-api-key": canary("header"), cookie: `session=${canary("cookie")}` }),
    ],
    [
      "a key in an idempotency key",
      "/v1/tables/plain/delete",
      { ...body({ predicate: "false" }, "POST"), headers: { ...json, "idempotency-key": canary("header") } },
    ],
    ["a key in a URL", `/v1/tables?api_key=${canary("query")}`, {}],
    ["a key in a URL of no route", `/v1/nothing?token=${canary("query")}`, {}],
  ];
}

/** The keys that were shown in a log, as if they were canaries. */
function keysIn(log: string, keys: Record<string, string>): string {
  return Object.values(keys).some((key) => log.includes(key.split("_").slice(2).join("_"))) ? canary("bearer") : "";
}

/** A secret may come out as it went in, or dressed up. */
function leaks(where: string, text: string): string[] {
  return places.flatMap((place) => {
    const secret = canary(place);
    const base64 = Buffer.from(secret).toString("base64").slice(0, -4);
    const isThere = [secret, base64, Buffer.from(secret).toString("hex")].some((form) => text.includes(form));
    return isThere
      ? [
          `${where} shows the ${place}: …${text.slice(Math.max(0, text.indexOf(secret) - 80), text.indexOf(secret) + 20)}`,
        ]
      : [];
  });
}

/** Of all files but the documents of tables, which hold their options. */
function fileLeaks(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8", withFileTypes: true });
  return files
    .filter((file) => file.isFile() && !file.parentPath.endsWith("/tables"))
    .flatMap((file) => leaks(`the file ${file.name}`, readFileSync(join(file.parentPath, file.name), "latin1")));
}
