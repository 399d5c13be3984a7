/** The only reader of the environment: turns its settings into what the server and the engine are started with. */
import { join, resolve } from "node:path";
import type { EngineOptions } from "../engine/index.js";
import { type AccessConfig, accessConfig, list } from "./access-config.js";
import { ConfigError } from "./config-error.js";
import { type Environment, readEnvironment } from "./environment.js";

export interface AppConfig {
  readonly logLevel: string;
  readonly bodyLimit: number;
  readonly bodyValues: number;
  readonly rowsLimit: number;
  /** Bytes of answers of hits that are kept ready. */
  readonly hotBytes: number;
  /** How long a query may run, which is how long an answer may be silent. */
  readonly queryTimeoutMs: number;
  /** The sites whose pages may ask. */
  readonly origins: readonly string[];
}

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly access: AccessConfig;
  /** How long queries may go on once the service is told to end. */
  readonly drainMs: number;
  readonly app: AppConfig;
  readonly engine: EngineOptions;
}

const units: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

export function readConfig(variables: NodeJS.ProcessEnv = process.env): Config {
  const environment = readEnvironment(variables);
  const state = resolve(environment.LAKEGATE_STATE);
  const resultMemory = bytes(environment.LAKEGATE_RESULT_MEMORY);
  return {
    host: environment.HOST,
    port: port(environment.PORT),
    access: accessConfig(environment, state),
    drainMs: Number(environment.LAKEGATE_DRAIN_MS),
    app: {
      logLevel: environment.LAKEGATE_LOG_LEVEL,
      bodyLimit: bytes(environment.LAKEGATE_BODY_LIMIT),
      bodyValues: Number(environment.LAKEGATE_BODY_VALUES),
      rowsLimit: bytes(environment.LAKEGATE_ROWS_LIMIT),
      hotBytes: resultMemory / 2,
      queryTimeoutMs: Number(environment.LAKEGATE_QUERY_TIMEOUT_MS),
      origins: origins(environment.LAKEGATE_CORS_ORIGINS),
    },
    engine: {
      config: engineConfig(environment, state),
      state,
      reserveBytes: bytes(environment.LAKEGATE_DISK_RESERVE),
      runs: Number(environment.LAKEGATE_RUNS),
      entries: Number(environment.LAKEGATE_ENTRIES),
      sessions: Number(environment.LAKEGATE_SESSIONS),
      history: Number(environment.LAKEGATE_HISTORY),
      admission: {
        running: Number(environment.LAKEGATE_QUERIES),
        runningOfCaller: Number(environment.LAKEGATE_QUERIES_OF_CALLER),
        waiting: Number(environment.LAKEGATE_QUEUE),
        waitingOfCaller: Number(environment.LAKEGATE_QUEUE_OF_CALLER),
        waitMs: Number(environment.LAKEGATE_QUEUE_MS),
      },
      results: {
        diskBytes: bytes(environment.LAKEGATE_RESULT_DISK),
        memoryBytes: resultMemory / 2,
        ttlMs: Number(environment.LAKEGATE_RESULT_TTL_MS),
      },
    },
  };
}

/** The state folder alone, for commands. */
export function readState(variables: NodeJS.ProcessEnv = process.env): string {
  return resolve(readEnvironment(variables).LAKEGATE_STATE);
}

function engineConfig(environment: Environment, state: string): EngineOptions["config"] {
  return {
    warehouse: resolve(environment.LAKEGATE_WAREHOUSE),
    locations: list(environment.LAKEGATE_LOCATIONS).map((location) => (isUri(location) ? location : resolve(location))),
    s3_endpoints: list(environment.LAKEGATE_S3_ENDPOINTS),
    spill_folder: join(state, "spill"),
    memory_limit_bytes: bytes(environment.LAKEGATE_MEMORY_LIMIT),
    query_memory_bytes: bytes(environment.LAKEGATE_QUERY_MEMORY),
    resident_limit_bytes: bytes(environment.LAKEGATE_RESIDENT_LIMIT),
    spill_limit_bytes: bytes(environment.LAKEGATE_SPILL_LIMIT),
    snapshot_cache_bytes: bytes(environment.LAKEGATE_SNAPSHOT_CACHE),
    view_memory_bytes: bytes(environment.LAKEGATE_VIEW_MEMORY),
    limits: {
      sql_bytes: bytes(environment.LAKEGATE_SQL_BYTES),
      sql_tokens: Number(environment.LAKEGATE_SQL_TOKENS),
      sql_depth: Number(environment.LAKEGATE_SQL_DEPTH),
      sql_chain: Number(environment.LAKEGATE_SQL_CHAIN),
      parameters: Number(environment.LAKEGATE_PARAMETERS),
      planning_timeout_ms: Number(environment.LAKEGATE_PLANNING_TIMEOUT_MS),
      timeout_ms: Number(environment.LAKEGATE_QUERY_TIMEOUT_MS),
      result_rows: Number(environment.LAKEGATE_RESULT_ROWS),
      result_bytes: bytes(environment.LAKEGATE_RESULT_BYTES),
    },
  };
}

/** Whole origins only: a pattern would let in more than was meant. */
function origins(text: string): string[] {
  const named = list(text);
  const wrong = named.find(
    (origin) => origin.includes("*") || !URL.canParse(origin) || new URL(origin).origin !== origin,
  );
  if (wrong === undefined) return named;
  throw new ConfigError(`LAKEGATE_CORS_ORIGINS must be origins such as https://app.example, not "${wrong}".`);
}

function port(text: string): number {
  if (Number(text) <= 65535) return Number(text);
  throw new ConfigError(`PORT must be a port number from 0 to 65535, not "${text}".`);
}

/** The bytes of a text such as `512MiB`; not a number where it is none. */
export function sizeOf(text: string): number {
  return /^\d{1,15}(KiB|MiB|GiB)?$/.test(text) ? bytes(text) : Number.NaN;
}

function bytes(text: string): number {
  const [, digits, unit = ""] = /^(\d+)(.*)$/.exec(text) ?? [];
  return Number(digits) * (units[unit] ?? 1);
}

function isUri(location: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(location);
}
