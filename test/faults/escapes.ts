/** Every way out of the allowed locations that we know of, by SQL, URIs, options, names and table logs: none reads, writes or connects. */
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { Answer, Sending } from "../fixture/client.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { commitFile, writeTable } from "../fixture/tables.js";
import type { Suite } from "./run.js";

interface Attempt {
  readonly name: string;
  readonly path: string;
  readonly sending?: Sending;
  /** Besides what refuses any: an answer that gives nothing away. */
  readonly mayAnswer?: boolean;
}

interface Ground {
  readonly warehouse: string;
  /** A folder that nobody may reach; its tables and files hold the canary. */
  readonly vault: string;
  /** A place that counts who connects. */
  readonly port: number;
}

const canary = "canary-of-the-vault";
const json = { "content-type": "application/json" };

export const escapes: Suite = async () => {
  const root = temporaryFolder();
  const ground = { warehouse: join(root, "warehouse"), vault: join(root, "vault") };
  await furnish(ground);
  let connections = 0;
  const listener = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as AddressInfo;
  forgeLogs({ ...ground, port });
  const before = contents(ground.vault);
  const server = await startServer({ warehouse: ground.warehouse, environment: { LAKEGATE_LOCATIONS: "s3://lake" } });
  const faults: string[] = [];
  const all = attempts({ ...ground, port });
  for (const attempt of all) faults.push(...(await tried(server, attempt)));
  if ((await server.client.query("SELECT 1")).status !== 200) faults.push("the service no longer answers");
  await server.stop();
  listener.close();
  if (connections > 0) faults.push(`${connections} connections were made to a place that isn't allowed`);
  if (contents(ground.vault) !== before) faults.push("the vault was written to");
  const strays = readdirSync(root).filter((name) => name !== "warehouse" && name !== "vault");
  if (strays.length > 0) faults.push(`files were made outside: ${strays.join(", ")}`);
  if (server.output().includes(canary)) faults.push("the log shows what is in the vault");
  rmSync(root, { recursive: true, force: true });
  console.log(`  ${all.length} attempts`);
  return faults;
};

async function tried({ client }: TestServer, { name, path, sending, mayAnswer = false }: Attempt): Promise<string[]> {
  const answer = await client.send(path, sending);
  if (answer.text.includes(canary)) return [`${name} shows what is in the vault: ${answer.text.slice(0, 200)}`];
  const isRefused = [400, 403, 404, 405, 413, 422].includes(answer.status);
  return isRefused || (mayAnswer && answer.status < 300) ? [] : [`${name} is answered ${described(answer)}`];
}

function described({ status, text }: Answer): string {
  return `${status} ${text.slice(0, 300)}`;
}

/** A served table, a vault with a table and files, and links that lead from the one to the other. */
async function furnish({ warehouse, vault }: Pick<Ground, "warehouse" | "vault">): Promise<void> {
  for (const folder of [warehouse, vault]) {
    mkdirSync(folder);
    const text = folder === vault ? canary : "public";
    await writeTable(folder, "rows", [{ mode: "create", sql: `SELECT 1 AS n, '${text}' AS text` }]);
  }
  cpSync(dataFile(vault), join(vault, "data.parquet"));
  writeFileSync(join(vault, "data.csv"), `n,text\n1,${canary}\n`);
  symlinkSync(join(vault, "rows"), join(warehouse, "linked"));
  mkdirSync(join(warehouse, "inner"));
  symlinkSync(vault, join(warehouse, "inner", "vault"));
}

function dataFile(folder: string): string {
  const names = readdirSync(join(folder, "rows"), { recursive: true, encoding: "utf8" });
  return join(folder, "rows", names.find((name) => name.endsWith(".parquet") && !name.startsWith("_")) ?? "");
}

/** Tables whose logs name files that are not theirs. */
function forgeLogs(ground: Ground): void {
  for (const [index, path] of foreignPaths(ground).entries()) {
    const name = `forged_${index}`;
    cpSync(join(ground.warehouse, "rows"), join(ground.warehouse, name), { recursive: true });
    const file = commitFile(ground.warehouse, name, 0);
    const actions = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const forged = actions.map((action) => ("add" in action ? { add: { ...action.add, path } } : action));
    writeFileSync(file, `${forged.map((action) => JSON.stringify(action)).join("\n")}\n`);
  }
}

function foreignPaths({ vault, port }: Ground): string[] {
  return [
    "../../vault/data.parquet",
    "%2e%2e/%2e%2e/vault/data.parquet",
    "..%2F..%2Fvault%2Fdata.parquet",
    "x/../../../vault/data.parquet",
    join(vault, "data.parquet"),
    `file://${vault}/data.parquet`,
    `http://127.0.0.1:${port}/data.parquet`,
    `s3://127.0.0.1:${port}/data.parquet`,
    "lakegate://t0/vault/data.parquet",
  ];
}

function attempts(ground: Ground): Attempt[] {
  return [
    ...statements(ground),
    ...uris(ground),
    ...options(ground),
    ...names(ground),
    ...logs(ground),
    ...writes(ground),
  ];
}

function statements({ vault, port }: Ground): Attempt[] {
  const places = [
    join(vault, "data.csv"),
    join(vault, "data.parquet"),
    `file://${vault}/data.csv`,
    `http://127.0.0.1:${port}/data.csv`,
    `s3://127.0.0.1:${port}/x`,
    "../vault/rows",
    "linked/../../vault/rows",
  ];
  const functions = [
    "read_csv",
    "read_parquet",
    "read_json",
    "parquet_scan",
    "parquet_metadata",
    "delta_scan",
    "glob",
    "list_files",
    "read_text",
    "load",
    "url",
    "s3",
    "iceberg_scan",
    "metadata_cache",
    "statistics_cache",
    "list_files_cache",
  ];
  const texts = places.flatMap((place) => [
    `SELECT * FROM '${place}'`,
    `SELECT * FROM "${place}"`,
    `SELECT * FROM \`${place}\``,
    `DESCRIBE '${place}'`,
    `COPY rows TO '${place}'`,
    `COPY (SELECT 1) TO '${place}' STORED AS CSV`,
    `EXPLAIN COPY rows TO '${place}'`,
    `EXPLAIN ANALYZE COPY rows TO '${place}'`,
    `EXPLAIN EXPLAIN COPY rows TO '${place}'`,
    `CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '${place}'`,
    `EXPLAIN CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '${place}'`,
    `INSERT INTO '${place}' SELECT 1`,
    ...functions.map((name) => `SELECT * FROM ${name}('${place}')`),
    ...functions.map((name) => `SELECT ${name}('${place}')`),
  ]);
  const others = [
    "SET datafusion.catalog.location = '/'",
    "SHOW ALL",
    "SHOW datafusion.catalog.location",
    "RESET ALL",
    "SELECT * FROM information_schema.df_settings",
    "LOAD 'x'",
    "ATTACH 'x' AS y",
    "INSTALL httpfs",
    "CREATE FUNCTION f() RETURNS INT LANGUAGE C AS 'x'",
    "SELECT * FROM rows; SELECT * FROM '/etc/passwd'",
    "SELECT * INTO OUTFILE '/tmp/x' FROM rows",
    "SELECT * FROM linked",
  ];
  return [...texts, ...others].map((sql) => sent(`the statement ${sql}`, "/v1/queries", "POST", { sql }));
}

function uris({ vault, warehouse, port }: Ground): Attempt[] {
  const places = [
    join(vault, "rows"),
    `file://${vault}/rows`,
    `file://localhost${vault}/rows`,
    `file:${vault}/rows`,
    `FILE://${vault}/rows`,
    "../vault/rows",
    "./../vault/rows",
    "rows/../../vault/rows",
    join(warehouse, "../vault/rows"),
    join(warehouse, "linked"),
    "linked",
    "inner/vault/rows",
    `file://${warehouse}/%2e%2e/vault/rows`,
    `file://${warehouse}/inner/vault/rows`,
    `${vault}/rows\0`,
    `http://127.0.0.1:${port}/rows`,
    `https://127.0.0.1:${port}/rows`,
    `ftp://127.0.0.1:${port}/rows`,
    `hdfs://127.0.0.1:${port}/rows`,
    "s3://other/rows",
    "s3://lake.evil/rows",
    "s3://lake/../other/rows",
    "s3a://lake/rows",
    "gs://lake/rows",
    "az://lake/rows",
    "abfss://lake@account/rows",
    "memory:///rows",
    "data:text/plain,x",
    "//127.0.0.1/share/rows",
    "\\\\127.0.0.1\\share",
    `s3://127.0.0.1:${port}/rows`,
    "/etc",
    "/proc/self",
    "/dev/fd/0",
  ];
  return places.flatMap((uri, index) => [
    sent(`a table at ${uri}`, `/v1/tables/uri_${index}`, "PUT", { uri }),
    sent(`a new table at ${uri}`, `/v1/tables/new_${index}`, "PUT", { uri, columns: [{ name: "n", dtype: "Int64" }] }),
    sent(`files to convert at ${uri}`, `/v1/tables/files_${index}/convert`, "POST", { uri }),
    sent(`a merge from ${uri}`, "/v1/tables/rows/merge", "POST", {
      predicate: "true",
      source: { table: { table_uri: uri } },
      matched_delete: true,
    }),
    sent(`a catalog with ${uri}`, "/v1/registries/snapshot", "PUT", { tables: { [`cat_${index}`]: { uri } } }),
  ]);
}

function options({ port, vault }: Ground): Attempt[] {
  const here = `http://127.0.0.1:${port}`;
  const keys = {
    aws_access_key_id: "id",
    aws_secret_access_key: "key",
    aws_region: "us-east-1",
    aws_allow_http: "true",
  };
  const reaching: Record<string, string>[] = [
    { ...keys, aws_endpoint: here },
    { ...keys, aws_endpoint: here.replace("127.0.0.1", "localhost") },
    { ...keys, aws_endpoint: "http://169.254.169.254" },
    { ...keys, endpoint: here },
    { ...keys, aws_endpoint_url: here },
    { ...keys, AWS_ENDPOINT: here },
    { ...keys, aws_endpoint_url_s3: here },
    { ...keys, proxy_url: here },
    { ...keys, aws_sts_endpoint: here },
    { aws_metadata_endpoint: here },
    { aws_container_credentials_full_uri: here },
    { aws_container_credentials_relative_uri: "/x" },
    { aws_web_identity_token_file: join(vault, "data.csv"), aws_role_arn: "arn:aws:iam::1:role/x" },
    { ...keys, aws_imdsv1_fallback: "true" },
    { ...keys, aws_bucket: "other" },
    {},
  ];
  return reaching.map((storage_options, index) =>
    sent(`the options ${JSON.stringify(storage_options)}`, `/v1/tables/options_${index}`, "PUT", {
      uri: "s3://lake/rows",
      storage_options,
    }),
  );
}

/** Names that are paths, wherever a name becomes part of one. */
function names({ vault }: Ground): Attempt[] {
  const wrong = [
    "..%2F..%2Fvault%2Frows",
    "%2e%2e",
    "..%5C..%5Cvault",
    encodeURIComponent(join(vault, "rows")),
    "a%00b",
    "%2Fetc%2Fpasswd",
    "linked",
    "inner_vault_rows",
  ];
  const lists = [
    "tables",
    "views",
    "contracts",
    "semantics",
    "functions",
    "profiles",
    "parameter-tables",
    "sessions",
    "queries",
    "schemas",
    "registries",
  ];
  const reads = lists.flatMap((list) =>
    wrong.map((name) => ({ name: `${list} ${name}`, path: `/v1/${list}/${name}` })),
  );
  const below = ["snapshot", "schema", "history", "files", "changes?starting_version=0"];
  const parts = wrong.flatMap((name) =>
    below.map((part) => ({ name: `${part} of ${name}`, path: `/v1/tables/${name}/${part}` })),
  );
  const results = wrong.map((name) => ({ name: `the result of ${name}`, path: `/v1/queries/${name}/result` }));
  const pages = [
    "/docs/static/../../../../../etc/passwd",
    "/docs/static/%2e%2e/%2e%2e/package.json",
    "/docs/static/..%2f..%2fpackage.json",
  ];
  const made = wrong
    .slice(0, 6)
    .map((name) => sent(`rows into a new table ${name}`, `/v1/tables/${name}/rows?mode=create`, "POST", [{ n: 1 }]));
  const signatures = ["../../keys/x", "..", join(vault, "data.csv"), "x".repeat(64)].map((signature) =>
    sent(`the values ${signature}`, "/v1/queries", "POST", { sql: "SELECT 1", parameter_tables: { rows: signature } }),
  );
  return [...reads, ...parts, ...results, ...made, ...signatures, ...pages.map((path) => ({ name: path, path }))];
}

/** What follows the logs of tables, in their reading, writing and cleaning up. */
function logs(ground: Ground): Attempt[] {
  return foreignPaths(ground).flatMap((path, index) => {
    const table = `forged_${index}`;
    const below = `/v1/tables/${table}`;
    return [
      sent(`a query of a log that names ${path}`, "/v1/queries", "POST", { sql: `SELECT * FROM ${table}` }),
      sent(`a merge from a log that names ${path}`, "/v1/tables/rows/merge", "POST", {
        predicate: "source.n = target.n",
        source: { table: { name: table } },
        matched_updates: { text: "source.text" },
      }),
      sent(`a delete in a log that names ${path}`, `${below}/delete`, "POST", { predicate: "n = 1" }),
      sent(`an update in a log that names ${path}`, `${below}/update`, "POST", { updates: { n: "n + 1" } }),
      { ...sent(`an optimize of a log that names ${path}`, `${below}/optimize`, "POST", {}), mayAnswer: true },
      { ...sent(`all of a log that names ${path}`, `${below}/delete`, "POST", { predicate: "true" }), mayAnswer: true },
      {
        ...sent(`a vacuum of a log that names ${path}`, `${below}/vacuum`, "POST", {
          retention_hours: 0,
          enforce_retention_duration: false,
          dry_run: false,
        }),
        mayAnswer: true,
      },
      {
        name: `a purge of a log that names ${path}`,
        path: `${below}?purge=true`,
        sending: { method: "DELETE" },
        mayAnswer: true,
      },
    ];
  });
}

/** Expressions of operations, which name columns and nothing else. */
function writes({ vault }: Ground): Attempt[] {
  const wrong = [
    `n IN (SELECT n FROM '${vault}/data.csv')`,
    "(SELECT count(*) FROM rows) > 0",
    "read_csv('/etc/passwd') IS NULL",
  ];
  return wrong.flatMap((predicate) => [
    sent(`a delete where ${predicate}`, "/v1/tables/rows/delete", "POST", { predicate }),
    sent(`an update where ${predicate}`, "/v1/tables/rows/update", "POST", { predicate, updates: { n: "1" } }),
    sent(`files where ${predicate}`, `/v1/tables/rows/files?predicate=${encodeURIComponent(predicate)}`, "GET"),
    sent(`a view of ${predicate}`, "/v1/views/escaping", "PUT", {
      sql: `SELECT * FROM '${vault}/data.csv' WHERE ${predicate}`,
    }),
  ]);
}

function sent(name: string, path: string, method: string, body?: unknown): Attempt {
  const sending = body === undefined ? { method } : { method, headers: json, body: JSON.stringify(body) };
  return { name, path, sending };
}

/** What a folder holds, names and bytes. */
function contents(folder: string): string {
  const hash = createHash("sha256");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  for (const file of files.map(({ parentPath, name }) => join(parentPath, name)).sort())
    hash.update(file).update(readFileSync(file));
  return hash.digest("hex");
}
