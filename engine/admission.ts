/** Lets work into the engine: a bounded number at once, in fair turns, with places of their own for what is over soon. */
import { LRUCache } from "lru-cache";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { joined } from "./joined.js";
import { Pass } from "./pass.js";
import { type Claimant, type Place, Places } from "./places.js";
import type { Quarantine } from "./quarantine.js";
import type { RunningWork, RunningWorkLog } from "./running-work.js";
import { shapeOf } from "./shape.js";

export interface AdmissionLimits {
  /** How many queries run at once. */
  readonly running: number;
  readonly runningOfCaller: number;
  /** How many wait. */
  readonly waiting: number;
  readonly waitingOfCaller: number;
  /** How long each may wait. */
  readonly waitMs: number;
}

export interface AdmissionParts {
  readonly running: RunningWorkLog;
  readonly quarantine: Quarantine;
}

/** Plans, and queries that are over soon, for each place of others: they take a processor for milliseconds. */
const lightPlaces = 2;
/** Statements that are known to be over soon, whatever their plans look like. */
const remembered = 10_000;
const longestRetrySeconds = 60;

export class Admission {
  readonly parts: AdmissionParts;
  /** For planning, and for queries that are over soon. */
  readonly light: Places;
  readonly heavy: Places;
  readonly quick = new LRUCache<string, true>({ max: remembered });
  /** Shapes of statements that took a heavy place. */
  readonly #longShapes = new LRUCache<string, true>({ max: remembered });
  /** Resolves when work can't be ended: the process is to be replaced then. */
  readonly stuck: Promise<void>;
  readonly #limits: AdmissionLimits;
  /** Bounds each caller; there are enough for all of them. */
  readonly #ofCallers = new Places(Number.POSITIVE_INFINITY);
  #heavyMs = 1_000;
  #reportStuck: () => void = () => undefined;

  constructor(limits: AdmissionLimits, parts: AdmissionParts) {
    this.#limits = limits;
    this.parts = parts;
    this.light = new Places(limits.running * lightPlaces);
    this.heavy = new Places(limits.running);
    this.stuck = new Promise((resolve) => {
      this.#reportStuck = resolve;
    });
  }

  enter(work: RunningWork, caller: Claimant): Pass {
    this.parts.quarantine.require(work.statement);
    this.#refuseEarly(work, caller);
    const { runningOfCaller } = this.#limits;
    const most = Math.min(caller.most ?? runningOfCaller, runningOfCaller);
    return new Pass(this, work, caller, this.claim(this.#ofCallers, joined<Claimant>(caller, { most })));
  }

  /** Runs work that nothing else waits for. */
  async run<T>(work: RunningWork, caller: Claimant, isHeavy: boolean, task: () => Promise<T>): Promise<T> {
    const pass = this.enter(work, caller);
    let hasSucceeded = false;
    try {
      await pass.ready;
      if (isHeavy) await pass.makeRoom();
      const result = await task();
      hasSucceeded = true;
      return result;
    } finally {
      pass.leave(hasSucceeded);
    }
  }

  /** A place among them, or the wait for one; refused where too many wait. */
  claim(places: Places, caller: Claimant): Place {
    const place = places.claim(caller);
    if (place.isTaken) return place;
    const refusal = this.#refusal(places, caller);
    if (refusal === undefined) return place;
    place.leave();
    throw refusal;
  }

  /** Resolves when the place is taken; ends a wait that takes too long. */
  async wait(place: Place, givenUp: Promise<never>): Promise<void> {
    if (place.isTaken) return;
    const { waitMs } = this.#limits;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const message = `The query has waited ${waitMs} ms for others, which is as long as it may.`;
      timer = setTimeout(() => reject(this.#refused("overloaded", message, waitMs)), waitMs);
    });
    try {
      await Promise.race([place.taken, givenUp, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Learns that statements like it are long. */
  noteLong({ sql }: RunningWork): void {
    this.#longShapes.set(shapeOf(sql), true);
  }

  /** Learns how long work takes that has a heavy place. */
  took(milliseconds: number): void {
    this.#heavyMs += (milliseconds - this.#heavyMs) / 10;
  }

  /** Keeps the statement of work that can't be ended from running again. */
  async report(work: RunningWork): Promise<void> {
    await this.parts.quarantine.hold(work, "endless");
    this.#reportStuck();
  }

  /** A plan would be for nothing where too many wait that are as long as it seems to be. */
  #refuseEarly({ sql, statement }: RunningWork, caller: Claimant): void {
    const refusal = this.#refusal(this.heavy, caller, 1);
    if (refusal === undefined || this.quick.has(statement) || !this.#longShapes.has(shapeOf(sql))) return;
    throw refusal;
  }

  /** Why `more` may not wait besides those that do. */
  #refusal(places: Places, caller: Claimant, more = 0): DataFusionEngineError | undefined {
    const { waiting, waitingOfCaller } = this.#limits;
    const busy = "queries wait already, which is as many as may.";
    if (places.waitingOf(caller) + more > waitingOfCaller)
      return this.#refused("too_many_requests", `${waitingOfCaller} of your ${busy}`, waitingOfCaller);
    if (places.waiting + more > waiting) return this.#refused("overloaded", `${waiting} ${busy}`, waiting);
    return undefined;
  }

  #refused(code: "too_many_requests" | "overloaded", message: string, maximum: number): DataFusionEngineError {
    const seconds = Math.ceil((this.heavy.waiting / this.heavy.total) * (this.#heavyMs / 1000));
    const retry_after_seconds = Math.min(Math.max(seconds, 1), longestRetrySeconds);
    return new DataFusionEngineError(message, { code, details: { maximum, retry_after_seconds } });
  }
}
