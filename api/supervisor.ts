/** Keeps one worker running: starts it again when it ends by itself, kills it when it hangs, and has it drain at the end.
 * It imports next to nothing and never the engine, so that nothing that a statement does can end it. */
import cluster, { type Worker } from "node:cluster";
import { setTimeout as pause } from "node:timers/promises";
import { alive, close, stopSignals } from "./supervision.js";

/** The next worker starts at once, unless more than one ended soon after its start. */
const firstPauseMs = 200;
const longestPauseMs = 5_000;
const steadyMs = 30_000;
/** The worker's allocator asks for huge pages: it reads this before the addon could say it, and to take memory anew in small ones
 * costs a tenth of a query's processor time. */
const allocator = { MIMALLOC_ALLOW_LARGE_OS_PAGES: "1" };
/** Turns of the watch, of a second each, that a worker may be silent for. */
const silentTurns = 30;

export function supervise(entry: string): void {
  // The worker accepts its connections itself.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const supervisor = new Supervisor(entry);
  for (const signal of stopSignals) process.on(signal, () => supervisor.stop());
  supervisor.start();
}

class Supervisor {
  readonly #entry: string;
  #worker: Worker | undefined;
  /** Where the first worker listened; the others do so too. */
  #port: number | undefined;
  /** Workers in a row that ended soon after their start. */
  #quickEnds = 0;
  #isStopping = false;

  constructor(entry: string) {
    this.#entry = entry;
  }

  /** `lost`: how the worker before ended. */
  start(lost?: string): void {
    cluster.setupPrimary({ exec: this.#entry, args: lost === undefined ? [] : [lost] });
    const port = this.#port === undefined ? {} : { PORT: String(this.#port) };
    const worker = cluster.fork({ ...allocator, ...port });
    const started = Date.now();
    this.#worker = worker;
    let watch: NodeJS.Timeout | undefined;
    worker.once("listening", ({ port }) => {
      this.#port = port;
      watch = killWhenSilent(worker);
    });
    worker.once("exit", (code, signal) => {
      clearInterval(watch);
      this.#worker = undefined;
      this.#ended(code, signal, Date.now() - started);
    });
  }

  /** A second call doesn't wait. */
  stop(): void {
    if (this.#worker === undefined) process.exit(0);
    if (this.#isStopping) this.#worker.process.kill("SIGKILL");
    this.#isStopping = true;
    // One that ends meanwhile needn't hear it.
    this.#worker.send(close, () => undefined);
  }

  async #ended(code: number | null, signal: string | null, lifeMs: number): Promise<void> {
    // What never listened won't the next time.
    if (this.#isStopping || this.#port === undefined) process.exit(code ?? 1);
    this.#quickEnds = lifeMs < steadyMs ? this.#quickEnds + 1 : 0;
    const pauseMs = this.#quickEnds <= 1 ? 0 : Math.min(firstPauseMs * 2 ** (this.#quickEnds - 2), longestPauseMs);
    // One that makes room for another has told what it knows.
    const lost = code === 0 ? undefined : (signal ?? `exit code ${code}`);
    report(lost, pauseMs);
    await pause(pauseMs);
    if (!this.#isStopping) this.start(lost);
  }
}

/** Counts turns of its own: a machine that slept wakes both. */
function killWhenSilent(worker: Worker): NodeJS.Timeout {
  let silent = 0;
  worker.on("message", (message) => {
    if (message === alive) silent = 0;
  });
  return setInterval(() => {
    silent += 1;
    if (silent > silentTurns) worker.process.kill("SIGKILL");
  }, 1_000);
}

/** A line of the log, in the form of the worker's. */
async function report(lost: string | undefined, pauseMs: number): Promise<void> {
  const [{ pino }, { readConfig }] = await Promise.all([import("pino"), import("./config.js")]);
  pino({ level: readConfig().app.logLevel }).error(
    { lost, pause_ms: pauseMs },
    "the worker ended and is started again",
  );
}
