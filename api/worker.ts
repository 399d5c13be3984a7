/** The process that serves: configuration, engine, app, then listening; drains when its supervisor says so. */
import cluster from "node:cluster";
import closeWithGrace from "close-with-grace";
import { pino } from "pino";
import { DataFusionEngineError, everybody, openEngine } from "../engine/index.js";
import { buildApp } from "./app.js";
import { openAuthenticator } from "./authenticator.js";
import { type Config, readConfig } from "./config.js";
import { ConfigError } from "./config-error.js";
import { drain } from "./drain.js";
import { alive, close, stopSignals } from "./supervision.js";
import { welcome } from "./welcome.js";

/** Beyond the time for which what runs may go on. */
const graceMs = 5_000;
const aliveMs = 1_000;

/** A fault in native code: caught, its instruction would run again for ever and the process never end. */
const nativeFaults = ["SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV"] as const;

/** The one argument says how the worker before ended, where it was not told to. */
export async function work(lost: string | undefined = process.argv[2]): Promise<void> {
  for (const signal of stopSignals) process.on(signal, () => undefined);
  setInterval(() => process.send?.(alive), aliveMs).unref();
  try {
    await serve(readConfig(), lost);
  } catch (error) {
    console.error(isExpected(error) ? error.message : error);
    process.exit(1);
  }
}

/** A fault of the configuration, of a table store or of the system, which a stack would only hide. */
function isExpected(error: unknown): error is Error {
  if (error instanceof DataFusionEngineError) return error.code !== "internal";
  return error instanceof ConfigError || (error instanceof Error && "syscall" in error);
}

async function serve(config: Config, lost: string | undefined): Promise<void> {
  const { host, port, access, drainMs, app: appConfig, engine: options } = config;
  const log = pino({ level: appConfig.logLevel });
  const engine = await openEngine({ ...options, ...(lost !== undefined && { lost }) }, log);
  const authenticator = await openAuthenticator(access, log);
  const app = await buildApp({ config: appConfig, engine, authenticator });
  const skip = [...nativeFaults, ...stopSignals];
  const leave = { delay: drainMs + graceMs, logger: app.log, skip };
  const closing = closeWithGrace(leave, () => drain(app, engine, drainMs));
  engine.stuck.then(() => {
    log.error("a query doesn't end; the process makes room for another");
    closing.close();
  });
  process.on("message", (message) => message === close && closing.close());
  const address = await app.listen({ host, port });
  if (cluster.worker?.id !== 1) return log.info({ address }, "the service is back");
  const { items } = await engine.tables.list({}, everybody);
  console.log(welcome(address, items));
}
