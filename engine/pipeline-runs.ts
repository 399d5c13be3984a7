/** Runs of pipelines: started, followed, canceled and retried; what a stopped server leaves open goes on at its next start. */
import { randomUUID } from "node:crypto";
import type {
  PipelineDefinition,
  PipelineRun,
  RunAcceptance,
  RunList,
  RunNode,
  RunRequest,
  RunSelection,
  ViewSpec,
} from "../schemas/generated/index.js";
import { type Caller, type CallerFacts, callerOf, everybody } from "./caller.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { DocumentStore } from "./document-store.js";
import type { Log } from "./log.js";
import { newestFirst } from "./newest-first.js";
import { page } from "./page.js";
import type { Driver } from "./pipeline/driver.js";
import type { PipelineOutputs } from "./pipeline/pipeline-outputs.js";
import { pendingNodes, Recording } from "./pipeline/recording.js";
import { canceled, failureOf, hasLostRows, interrupted, notRetryable, stopped } from "./pipeline/run-failures.js";
import { type RunEvent, RunRecord, type StoredRun } from "./pipeline/run-record.js";
import { accepted, entryOf, pendingRun, runViews } from "./pipeline/run-shapes.js";
import { queryFailure } from "./query-failure.js";
import { MutableRegistry } from "./registry.js";
import { type Repeat, repeatOf, requireSame } from "./repeat.js";
import { Turns } from "./turns.js";

/** What a driver of a run is built of. */
export interface RunPlan {
  readonly runId: string;
  readonly definition: PipelineDefinition;
  readonly request: RunRequest;
  /** The definitions of views; as they are registered where there is none. */
  readonly views?: Readonly<Record<string, ViewSpec>>;
  /** Who asks for it. */
  readonly caller: Caller;
}

export interface PipelineRunsParts {
  readonly store: DocumentStore<StoredRun>;
  readonly log: Log;
  readonly outputs: PipelineOutputs;
  /** What a pipeline is made of; refuses one that there isn't. */
  readonly definition: (pipeline: string) => PipelineDefinition;
  /** Builds the driver of a run; refuses what can't be planned. */
  readonly build: (plan: RunPlan) => Promise<Driver>;
  /** Runs that are remembered. */
  readonly limit: number;
}

interface ActiveRun {
  readonly record: RunRecord;
  readonly stop: AbortController;
  /** Whether its turn has come. */
  hasBegun: boolean;
  /** Resolves when nothing is done for it any more. */
  readonly done: Promise<void>;
}

/** How often a run goes on by itself after the server has stopped under it. */
const mostAttempts = 10;
/** How often an attempt starts anew because kept rows were gone. */
const mostLosses = 3;
/** Runs that are under way or wait for others of their pipelines. */
const mostActive = 100;

export class PipelineRuns {
  readonly #parts: PipelineRunsParts;
  /** The oldest first. */
  readonly #records = new MutableRegistry<string, RunRecord>();
  readonly #active = new MutableRegistry<string, ActiveRun>();
  /** One run of a pipeline goes after the other. */
  readonly #turns = new MutableRegistry<string, Turns>();
  #started = Date.now() * 1000;
  #isClosed = false;

  constructor(parts: PipelineRunsParts) {
    this.#parts = parts;
  }

  async load(): Promise<void> {
    const stored = await this.#parts.store.load();
    stored.sort((left, right) => (left.order > right.order ? -1 : 1));
    for (const each of stored) this.#records.register(each.run.run_id, this.#recordOf(each));
  }

  /** Goes on with what an earlier process has left open. */
  resume(): void {
    for (const [, record] of this.#records.entries()) {
      if (record.isOver) continue;
      if (record.run.attempts < mostAttempts) this.#go(record);
      else
        this.#end(record, interrupted(mostAttempts)).catch((err) =>
          this.#parts.log.warn({ err }, "a run could not be ended"),
        );
    }
  }

  /** Starts a run once it is planned; a repeat by the same key answers the run that it has started. */
  async start(pipeline: string, request: RunRequest, caller: Caller, idempotencyKey?: string): Promise<RunAcceptance> {
    const definition = this.#parts.definition(pipeline);
    const repeat = repeatOf(idempotencyKey, `run of ${pipeline}`, request, caller);
    const runId = repeat?.id ?? randomUUID();
    const known = this.#first(runId, repeat);
    if (known !== undefined) return accepted(known.run);
    this.#refuseTooMany();
    const driver = await this.#parts.build({ runId, definition, request, caller });
    const first = this.#first(runId, repeat);
    if (first !== undefined) return accepted(first.run);
    const record = this.#recordOf({
      order: newestFirst(this.#started++),
      run: pendingRun(runId, pipeline, driver, request),
      request,
      definition,
      caller: factsOf(caller),
      ...(repeat && { asked: repeat.fingerprint }),
      changes: { count: 1, run: 1, nodes: Object.fromEntries(driver.nodes.map(({ name }) => [name, 1])) },
    });
    this.#records.register(runId, record);
    try {
      await this.#parts.store.save(runId, record.stored);
    } catch (error) {
      this.#records.unregister(runId);
      throw error;
    }
    this.#forgetOldest();
    // What waits for others is planned when its turn comes, over the tables as they are then.
    this.#go(record, this.active(pipeline).length === 0 ? driver : undefined);
    return accepted(record.run);
  }

  get(pipeline: string, id: string): PipelineRun {
    return this.#record(pipeline, id).run;
  }

  list(pipeline: string, { status, ...selection }: RunSelection): RunList {
    const records = this.#records.entries().map(([, record]) => record);
    const wanted = records.filter(
      ({ run }) => run.pipeline === pipeline && (status === undefined || run.status === status),
    );
    wanted.sort((left, right) => (left.stored.order < right.stored.order ? -1 : 1));
    const { items, next_cursor } = page(wanted, selection, ({ stored }) => stored.order);
    return { items: items.map(({ run }) => entryOf(run)), next_cursor };
  }

  /** Waits for the end of a run; undefined where it goes on after all that time. */
  async ended(pipeline: string, id: string, milliseconds: number): Promise<PipelineRun | undefined> {
    const record = this.#record(pipeline, id);
    await record.end(AbortSignal.timeout(milliseconds));
    return record.isOver ? record.run : undefined;
  }

  /** The changes of a run from one on, and those to come. */
  follow(pipeline: string, id: string, after: number, signal: AbortSignal): AsyncGenerator<RunEvent | undefined> {
    return this.#record(pipeline, id).follow(after, signal);
  }

  /** Stops a run; one that has ended stays as it is. */
  async cancel(pipeline: string, id: string): Promise<PipelineRun> {
    const record = this.#record(pipeline, id);
    const active = this.#active.get(id);
    active?.stop.abort(canceled());
    if (active?.hasBegun === false && !record.isOver) await this.#end(record, canceled());
    return record.run;
  }

  /** Goes on with a run that has failed or was canceled, from where it stopped and over the same versions, for who asks. */
  async retry(pipeline: string, id: string, caller: Caller): Promise<RunAcceptance> {
    const record = this.#record(pipeline, id);
    if (!["FAILED", "CANCELED"].includes(record.run.status)) throw notRetryable(record.run);
    await this.#active.get(id)?.done;
    this.#refuseTooMany();
    const { error: _, finished_at: __, ...rest } = record.run;
    await record.replace({ ...rest, status: "PENDING" }, { caller: factsOf(caller) });
    this.#go(record);
    return accepted(record.run);
  }

  /** The runs of a pipeline that are under way. */
  active(pipeline: string): string[] {
    const active = this.#active.entries().map(([, { record }]) => record);
    return active.flatMap(({ run, isOver }) => (run.pipeline === pipeline && !isOver ? [run.run_id] : []));
  }

  /** Forgets all runs of a pipeline. */
  async forget(pipeline: string): Promise<void> {
    for (const [id, { run }] of this.#records.entries()) if (run.pipeline === pipeline) await this.#forget(id);
    await this.#parts.outputs.forget(pipeline);
  }

  /** Stops what runs, so that it goes on at the next start. */
  close(): void {
    this.#isClosed = true;
    for (const [, { stop }] of this.#active.entries()) stop.abort(stopped());
  }

  #go(record: RunRecord, driver?: Driver): void {
    const { run_id, pipeline } = record.run;
    const stop = new AbortController();
    let active: ActiveRun;
    const work = async () => {
      active.hasBegun = true;
      try {
        if (!stop.signal.aborted) await this.#attempt(record, stop.signal, driver);
      } catch (error) {
        if (!this.#isClosed) await this.#end(record, error);
      } finally {
        this.#active.unregister(run_id);
      }
    };
    const done = this.#turnsOf(pipeline)
      .run(work)
      .catch((err) => this.#parts.log.warn({ err, run: run_id }, "how a run ended could not be kept"));
    active = { record, stop, hasBegun: false, done };
    this.#active.register(run_id, active);
  }

  /** What is planned is on the disk before anything is done. */
  async #attempt(record: RunRecord, signal: AbortSignal, planned?: Driver): Promise<void> {
    const { definition, request, run, caller = everybody, views: known = {} } = record.stored;
    const [begun, views] = run.attempts === 0 ? [[], {}] : [run.sources, known];
    const pins = begun.map(({ name, version }) => [name, { version }] as const);
    const fixed = { ...request, tables: { ...request.tables, ...Object.fromEntries(pins) } };
    const plan = { runId: run.run_id, definition, request: fixed, views, caller: callerOf(caller) };
    const driver = planned ?? (await this.#parts.build(plan));
    const begins = {
      ...record.run,
      status: "RUNNING" as const,
      started_at: run.started_at ?? now(),
      attempts: run.attempts + 1,
      nodes: pendingNodes(driver),
      sources: driver.sources,
      views: runViews(driver),
      parameters: { ...driver.parameters },
    };
    await record.replace(begins, { views: driver.views });
    const isWhole = await this.#driven(record, driver, signal);
    if (signal.aborted && this.#isClosed) return;
    await this.#end(record, isWhole ? undefined : failureOf(record.run, signal));
  }

  /** Goes through the nodes again where kept rows that some of them read were gone. */
  async #driven(record: RunRecord, driver: Driver, signal: AbortSignal): Promise<boolean> {
    const { run_id: id, pipeline } = record.run;
    for (let losses = 0; ; losses++) {
      const observer = new Recording(record, this.#parts.outputs);
      const isWhole = await driver.run({ id, pipeline, observer, signal });
      if (isWhole || losses === mostLosses || !record.run.nodes.some(hasLostRows)) return isWhole;
      await driver.look();
      await record.change({ nodes: pendingNodes(driver) });
    }
  }

  async #end(record: RunRecord, error: unknown): Promise<void> {
    const failure = error === undefined ? undefined : queryFailure(error);
    if (failure?.code === "internal") this.#parts.log.warn({ err: error }, "a run failed on a defect");
    const changed = record.run.nodes.some(({ written = false }) => written);
    const status = failure === undefined ? "SUCCEEDED" : failure.code === "query_canceled" ? "CANCELED" : "FAILED";
    const nodes = record.run.nodes.map((node) => (isOpen(node) ? { ...node, status: "SKIPPED" as const } : node));
    await record.change({ status, changed, nodes, finished_at: now(), ...(failure && { error: failure }) });
  }

  /** The run that a repeat asks for, if there is one; refuses another request by its key. */
  #first(runId: string, repeat: Repeat | undefined): RunRecord | undefined {
    const record = this.#records.get(runId);
    if (record !== undefined && repeat !== undefined) requireSame(repeat, record.stored.asked);
    return record;
  }

  #record(pipeline: string, id: string): RunRecord {
    const record = this.#records.get(id);
    if (record?.run.pipeline === pipeline) return record;
    throw new DataFusionEngineError(`The pipeline ${pipeline} has no run ${id}.`, { code: "run_not_found" });
  }

  #recordOf(stored: StoredRun): RunRecord {
    return new RunRecord(stored, this.#parts.store, this.#parts.log);
  }

  #turnsOf(pipeline: string): Turns {
    const turns = this.#turns.get(pipeline) ?? new Turns();
    this.#turns.register(pipeline, turns, { overwrite: true });
    return turns;
  }

  #refuseTooMany(): void {
    if (this.#active.size < mostActive) return;
    throw new DataFusionEngineError(`There are ${mostActive} runs under way already.`, { code: "too_many_requests" });
  }

  #forgetOldest(): void {
    const over = this.#records.entries().filter(([, { isOver }]) => isOver);
    const excess = Math.max(0, this.#records.size - this.#parts.limit);
    for (const [id] of over.slice(0, excess)) {
      this.#forget(id).catch((err) => this.#parts.log.warn({ err }, "a run is remembered too long"));
    }
  }

  async #forget(id: string): Promise<void> {
    this.#records.unregister(id);
    await this.#parts.store.remove(id);
  }
}

function isOpen({ status }: RunNode): boolean {
  return status === "PENDING" || status === "RUNNING";
}

/** What is kept of who asks. */
function factsOf({ id, scopes, terms, concurrentQueries }: Caller): CallerFacts {
  return { id, scopes, terms, ...(concurrentQueries !== undefined && { concurrentQueries }) };
}

function now(): string {
  return new Date().toISOString();
}
