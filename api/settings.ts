/** Every setting of the service, as the environment names it; the README's table is made from this one. */
export interface Setting {
  readonly name: string;
  /** What its text means: bytes may be written as `512MiB`, room may be none, a list is separated by commas. */
  readonly kind:
    | "text"
    | "optional"
    | "folder"
    | "list"
    | "port"
    | "count"
    | "milliseconds"
    | "bytes"
    | "room"
    | "level";
  readonly default: string;
  readonly description: string;
}

export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

export const settings = [
  {
    name: "HOST",
    kind: "text",
    default: "127.0.0.1",
    description: "The address to listen on; one that is not loopback needs `LAKEGATE_AUTH`.",
  },
  { name: "PORT", kind: "port", default: "8080", description: "The port to listen on; 0 takes a free one." },
  {
    name: "LAKEGATE_AUTH",
    kind: "list",
    default: "",
    description:
      "How callers say who they are: `keys`, `jwt` or both; `none` asks nobody, which is the default and let in on loopback only.",
  },
  {
    name: "LAKEGATE_JWT_JWKS",
    kind: "optional",
    default: "",
    description: "The URL of the issuer's public keys, by https; needed for `jwt`, like the next two.",
  },
  { name: "LAKEGATE_JWT_ISSUER", kind: "optional", default: "", description: "The `iss` of tokens." },
  { name: "LAKEGATE_JWT_AUDIENCE", kind: "optional", default: "", description: "The `aud` of tokens." },
  {
    name: "LAKEGATE_JWT_ALGORITHMS",
    kind: "list",
    default: "RS256,ES256",
    description: "The algorithms that tokens may be signed with, of public keys only.",
  },
  {
    name: "LAKEGATE_JWT_SCOPES",
    kind: "text",
    default: "scope",
    description: "The claim that holds the scopes read, write and admin: a list, or separated by spaces.",
  },
  {
    name: "LAKEGATE_JWT_TABLES",
    kind: "optional",
    default: "",
    description:
      "The claim that holds the patterns of tables and views that a token shows; one without it shows none. Where this isn't set, tokens show all.",
  },
  {
    name: "LAKEGATE_JWT_CLOCK_MS",
    kind: "milliseconds",
    default: "5000",
    description: "How far the clocks of the issuer and the service may differ.",
  },
  {
    name: "LAKEGATE_WAREHOUSE",
    kind: "folder",
    default: "warehouse",
    description: "The folder below which every Delta table is served by its name.",
  },
  {
    name: "LAKEGATE_STATE",
    kind: "folder",
    default: "state",
    description: "The folder for registered tables, kept results and what queries spill.",
  },
  {
    name: "LAKEGATE_LOCATIONS",
    kind: "list",
    default: "",
    description: "Folders and `s3://bucket/prefix` URIs inside which tables may be registered, besides the warehouse.",
  },
  {
    name: "LAKEGATE_S3_ENDPOINTS",
    kind: "list",
    default: "",
    description: "S3 endpoints other than Amazon's that storage options may name, as URLs.",
  },
  {
    name: "LAKEGATE_CORS_ORIGINS",
    kind: "list",
    default: "",
    description: "The sites whose pages may use the service from a browser, such as `https://app.example`.",
  },
  {
    name: "LAKEGATE_DRAIN_MS",
    kind: "milliseconds",
    default: "8000",
    description: "How long queries may go on once the service is told to end (SIGTERM); then they are cancelled.",
  },
  {
    name: "LAKEGATE_DISK_RESERVE",
    kind: "room",
    default: "64MiB",
    description: "Room on the disk of the state folder without which the service doesn't start and isn't ready.",
  },
  { name: "LAKEGATE_LOG_LEVEL", kind: "level", default: "info", description: `One of ${logLevels.join(", ")}.` },
  {
    name: "LAKEGATE_MEMORY_LIMIT",
    kind: "bytes",
    default: "1GiB",
    description: "Memory that all queries together may hold.",
  },
  { name: "LAKEGATE_QUERY_MEMORY", kind: "bytes", default: "1GiB", description: "Memory that one query may hold." },
  {
    name: "LAKEGATE_RESIDENT_LIMIT",
    kind: "bytes",
    default: "2GiB",
    description:
      "Resident memory of the process that serves, caches and all; from nine tenths of it on the largest queries are ended.",
  },
  {
    name: "LAKEGATE_SPILL_LIMIT",
    kind: "bytes",
    default: "10GiB",
    description: "Disk space that all queries together may spill to.",
  },
  {
    name: "LAKEGATE_SNAPSHOT_CACHE",
    kind: "bytes",
    default: "256MiB",
    description: "Memory for the file lists of tables that are kept ready; those asked for the longest ago go first.",
  },
  {
    name: "LAKEGATE_VIEW_MEMORY",
    kind: "room",
    default: "256MiB",
    description: "Memory for the rows of views that are kept in memory; 0 holds none.",
  },
  {
    name: "LAKEGATE_QUERY_TIMEOUT_MS",
    kind: "milliseconds",
    default: "300000",
    description: "How long a query may run; also the most that a request may ask for.",
  },
  {
    name: "LAKEGATE_PLANNING_TIMEOUT_MS",
    kind: "milliseconds",
    default: "10000",
    description: "How long planning a statement may take.",
  },
  { name: "LAKEGATE_SQL_BYTES", kind: "bytes", default: "1MiB", description: "The longest statement." },
  { name: "LAKEGATE_SQL_TOKENS", kind: "count", default: "50000", description: "The most tokens in a statement." },
  { name: "LAKEGATE_SQL_DEPTH", kind: "count", default: "64", description: "How deep a statement may nest." },
  {
    name: "LAKEGATE_SQL_CHAIN",
    kind: "count",
    default: "512",
    description:
      "The most terms in one chain of operators, set operations or common table expressions, and the most grouping sets.",
  },
  { name: "LAKEGATE_PARAMETERS", kind: "count", default: "1000", description: "The most parameters of a statement." },
  {
    name: "LAKEGATE_BODY_LIMIT",
    kind: "bytes",
    default: "8MiB",
    description: "The largest body of a request, after decompression.",
  },
  {
    name: "LAKEGATE_BODY_VALUES",
    kind: "count",
    default: "250000",
    description: "The most values in a body of JSON or MessagePack, names of fields among them.",
  },
  {
    name: "LAKEGATE_ROWS_LIMIT",
    kind: "bytes",
    default: "100GiB",
    description: "The largest body of rows, which streams in, after decompression.",
  },
  { name: "LAKEGATE_RESULT_ROWS", kind: "count", default: "1000000000", description: "The most rows of a result." },
  {
    name: "LAKEGATE_RESULT_BYTES",
    kind: "bytes",
    default: "100GiB",
    description: "The largest result, as it is encoded, before compression.",
  },
  {
    name: "LAKEGATE_QUERIES",
    kind: "count",
    default: "8",
    description: "How many queries run at once; those that are over soon have twice as many places besides.",
  },
  {
    name: "LAKEGATE_QUERIES_OF_CALLER",
    kind: "count",
    default: "1000",
    description:
      "How many queries of one caller run at once. Callers are told apart by their keys or tokens, else by their sessions.",
  },
  { name: "LAKEGATE_QUEUE", kind: "count", default: "1000", description: "How many queries may wait for others." },
  {
    name: "LAKEGATE_QUEUE_OF_CALLER",
    kind: "count",
    default: "500",
    description: "How many queries of one caller may wait for others.",
  },
  {
    name: "LAKEGATE_QUEUE_MS",
    kind: "milliseconds",
    default: "30000",
    description: "How long a query may wait for others.",
  },
  {
    name: "LAKEGATE_ENTRIES",
    kind: "count",
    default: "10000",
    description: "How many entries each registry may have: registered tables, views, functions and the like.",
  },
  { name: "LAKEGATE_SESSIONS", kind: "count", default: "1000", description: "How many sessions may be open." },
  {
    name: "LAKEGATE_RESULT_DISK",
    kind: "room",
    default: "4GiB",
    description: "Disk space for kept results; one may take a quarter of it. 0 keeps none.",
  },
  {
    name: "LAKEGATE_RESULT_MEMORY",
    kind: "room",
    default: "64MiB",
    description: "Memory for small results: half as they were last encoded, half as they were last sent; 0 holds none.",
  },
  {
    name: "LAKEGATE_RESULT_TTL_MS",
    kind: "milliseconds",
    default: "86400000",
    description: "How long the result of a query that went on without its client is kept.",
  },
  { name: "LAKEGATE_HISTORY", kind: "count", default: "1000", description: "How many ended queries are remembered." },
  { name: "LAKEGATE_RUNS", kind: "count", default: "500", description: "How many runs of pipelines are remembered." },
] as const satisfies readonly Setting[];

/** Names that the setting up of a clone reads, not the service. */
export const setupNames: readonly string[] = ["LAKEGATE_CACHE"];

export type SettingName = (typeof settings)[number]["name"];
