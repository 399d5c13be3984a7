/** Starts the service: configuration, engine, app, then listening; SIGTERM and SIGINT drain it. */
import closeWithGrace from "close-with-grace";
import { pino } from "pino";
import { DataFusionEngineError, everybody, openEngine } from "../engine/index.js";
import { buildApp } from "./app.js";
import { openAuthenticator } from "./authenticator.js";
import { type Config, readConfig } from "./config.js";
import { ConfigError } from "./config-error.js";
import { drain } from "./drain.js";
import { welcome } from "./welcome.js";

/** A fault in native code: caught, its instruction would run again for ever and the process never end. */
const nativeFaults = ["SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV"] as const;

try {
  await serve(readConfig());
} catch (error) {
  console.error(isExpected(error) ? error.message : error);
  process.exit(1);
}

/** A fault of the configuration, of a table store or of the system, which a stack would only hide. */
function isExpected(error: unknown): error is Error {
  if (error instanceof DataFusionEngineError) return error.code !== "internal";
  return error instanceof ConfigError || (error instanceof Error && "syscall" in error);
}

async function serve({ host, port, access, drainMs, app: appConfig, engine: engineOptions }: Config): Promise<void> {
  const log = pino({ level: appConfig.logLevel });
  const engine = await openEngine(engineOptions, log);
  const authenticator = await openAuthenticator(access, log);
  const app = await buildApp({ config: appConfig, engine, authenticator });
  const graceMs = drainMs + 5_000;
  closeWithGrace({ delay: graceMs, logger: app.log, skip: [...nativeFaults] }, () => drain(app, engine, drainMs));
  const address = await app.listen({ host, port });
  const { items } = await engine.tables.list({}, everybody);
  console.log(welcome(address, items));
}
