/** `lakegate keys create|list|revoke`: the API keys of the state folder. */
import { Command, InvalidArgumentError, Option } from "commander";
import { type ApiKeyDefinition, ApiKeys, type Log, type StoredApiKey, scopes } from "../engine/index.js";
import type { Scope } from "../schemas/generated/index.js";
import { keysFolder } from "./access-config.js";
import { sizeOf } from "./config.js";

interface CreateOptions {
  readonly scope: readonly Scope[];
  readonly table?: readonly string[];
  readonly queries?: number;
  readonly rows?: number;
  readonly bytes?: number;
  readonly time?: number;
  readonly memory?: number;
  readonly expires?: string;
}

const log: Log = { info: () => undefined, warn: (details, message) => console.error(message, details) };

/** `state` says where the state folder is, once it is needed. */
export function keysCommand(state: () => string): Command {
  const keys = () => new ApiKeys(keysFolder(state()), log);
  const command = new Command("keys").description("The API keys of the service, which sees changes while it runs.");
  addCreate(command, keys);
  command
    .command("list")
    .description("Shows the keys, without their secrets.")
    .action(async () => {
      const known = keys();
      await known.load();
      for (const key of known.list()) console.log(line(key));
    });
  command
    .command("revoke")
    .argument("<id>", "the id of the key, as `list` shows it")
    .description("Ends a key at once.")
    .action(async (id: string) => {
      await keys().revoke(id);
      console.log(`${id} is revoked.`);
    });
  return command;
}

function addCreate(command: Command, keys: () => ApiKeys): void {
  const scope = new Option("-s, --scope <scopes...>", "what it may do").choices(scopes).default(["read"]);
  command
    .command("create")
    .argument("<name>", "what the key is for")
    .description("Makes a key and shows it, once.")
    .addOption(scope)
    .option("-t, --table <patterns...>", "the tables and views it may name, such as 'sales_*'; all without it")
    .option("--queries <count>", "how many of its queries may run at once", whole)
    .option("--rows <count>", "the most rows of a result", whole)
    .option("--bytes <size>", "the most bytes of a result, such as 10MiB", size)
    .option("--time <milliseconds>", "how long a query may run", whole)
    .option("--memory <size>", "the memory that a query may hold, such as 256MiB", size)
    .option("--expires <time>", "when it ends, such as 2027-01-31 or 2027-01-31T12:00:00Z", time)
    .action(async (name: string, options: CreateOptions) => {
      const { stored, key } = await keys().create(definition(name, options));
      console.log(line(stored));
      console.log("\nThe key, which is shown only now:\n");
      console.log(key);
    });
}

function definition(name: string, options: CreateOptions): ApiKeyDefinition {
  const { scope, table, queries, rows, bytes, time: milliseconds, memory, expires } = options;
  return {
    name,
    scopes: scope,
    terms: {
      ...(table && { visible: [...table] }),
      ...(rows && { row_limit: rows }),
      ...(bytes && { byte_limit: bytes }),
      ...(milliseconds && { timeout_ms: milliseconds }),
      ...(memory && { memory_bytes: memory }),
    },
    ...(queries && { concurrent_queries: queries }),
    ...(expires && { expires_at: expires }),
  };
}

function line({ id, name, scopes: granted, terms, expires_at }: StoredApiKey): string {
  const tables = terms.visible == null ? "all tables" : terms.visible.join(" ");
  const end = expires_at === undefined ? "no end" : `until ${expires_at}`;
  return [id, name, granted.join(" "), tables, end].join("\t");
}

function whole(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("A whole number from 1 on is needed.");
}

function size(text: string): number {
  const bytes = sizeOf(text);
  if (bytes >= 1) return bytes;
  throw new InvalidArgumentError("A number of bytes is needed, or one such as 10MiB.");
}

function time(text: string): string {
  const milliseconds = Date.parse(text);
  if (milliseconds > Date.now()) return new Date(milliseconds).toISOString();
  throw new InvalidArgumentError("A time that is still to come is needed.");
}
