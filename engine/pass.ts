/** What work has from when it asks to be let in until it ends: its turn, its place, and the note that it runs. */
import type { Admission } from "./admission.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { Claimant, Place } from "./places.js";
import type { RunningWork } from "./running-work.js";

/** Work with a light place that goes on longer isn't light. */
const lightMs = 200;
/** How often it is looked whether work waits for its reader; its place is for others then. */
const lookMs = 200;
/** How long a thread may be busy with work that has ended: none of its steps takes as long. */
const stuckMs = 10_000;
/** Heavy places beyond their number, for each of them, that work takes which seemed to be light. */
const overdraft = 2;

export class Pass {
  /** Resolves when the work may begin; rejects when it is refused or was given up. */
  readonly ready: Promise<void>;
  readonly #admission: Admission;
  readonly #work: RunningWork;
  readonly #caller: Claimant;
  readonly #isSuspected: boolean;
  readonly #ofCaller: Place;
  readonly #ended: Promise<void>;
  #giveUp: ((error: Error) => void) | undefined;
  #givenUp: Promise<never> | undefined;
  #end: () => void = () => undefined;
  #place: Place | undefined;
  #isHeavy = false;
  #isHeldUp = false;
  /** Whether it was held up at the last look, and since. */
  #wasHeldUp = false;
  /** Whether its reader was ever slow: from then on it has a place only while it makes rows. */
  #isSlow = false;
  #began = 0;
  /** Whether it was told to end: what it waited for comes too late then. */
  #isOver = false;
  #hasLeft = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(admission: Admission, work: RunningWork, caller: Claimant, ofCaller: Place) {
    this.#admission = admission;
    this.#work = work;
    this.#caller = caller;
    this.#ofCaller = ofCaller;
    this.#isSuspected = admission.parts.quarantine.isSuspected(work.statement);
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.ready = this.#enter();
  }

  /** Whether the statement is over soon, whatever its plan looks like. */
  get isQuick(): boolean {
    return this.#admission.quick.has(this.#work.statement);
  }

  /** Takes a heavy place for work that may be long. */
  async makeRoom(): Promise<void> {
    if (this.#isHeavy || this.#hasLeft) return;
    if (this.#isOver) throw canceled();
    clearTimeout(this.#timer);
    this.#place?.leave();
    this.#isHeavy = true;
    this.#admission.noteLong(this.#work);
    this.#place = this.#admission.claim(this.#admission.heavy, this.#caller);
    await this.#wait(this.#place);
    this.#began = performance.now();
    this.#watchReader();
  }

  /** Leaves its place to others while the work waits for other work. */
  stepAside(): void {
    clearTimeout(this.#timer);
    this.#giveWay();
  }

  /** Takes a place again. */
  async comeBack(): Promise<void> {
    if (this.#hasLeft || this.#isOver) throw canceled();
    const { heavy, light } = this.#admission;
    this.#place = this.#admission.claim(this.#isHeavy ? heavy : light, this.#caller);
    await this.#wait(this.#place);
    if (this.#isHeavy) this.#watchReader();
    else this.#timer = setTimeout(() => this.#becomeHeavy(), lightMs);
  }

  /** Whether rows wait for their reader. */
  set isHeldUp(isHeldUp: boolean) {
    this.#isHeldUp = isHeldUp;
    this.#wasHeldUp &&= isHeldUp;
    if (!this.#isHeavy || this.#hasLeft) return;
    if (isHeldUp && this.#isSlow) this.#giveWay();
    else if (!isHeldUp) this.#place ??= this.#admission.heavy.force(this.#caller);
  }

  /** The work has been told to end; where its thread goes on, it can't be. */
  linger(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#admission.report(this.#work), stuckMs);
  }

  /** The work has ended, or nobody wants it any more; repeatable. */
  leave(hasSucceeded: boolean): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    clearTimeout(this.#timer);
    this.#giveUp?.(canceled());
    const { running, quarantine } = this.#admission.parts;
    running.end(this.#work.id);
    this.#place?.leave();
    this.#ofCaller.leave();
    if (hasSucceeded) this.#learn();
    if (hasSucceeded && this.#isSuspected) quarantine.clear(this.#work.statement);
    this.#end();
  }

  async #enter(): Promise<void> {
    const { light, parts } = this.#admission;
    const { quarantine, running } = parts;
    await this.#wait(this.#ofCaller);
    if (this.#isSuspected) await Promise.race([quarantine.turn(this.#ended), this.#untilGivenUp()]);
    this.#place = this.#admission.claim(light, this.#caller);
    await this.#wait(this.#place);
    // Another may have ended the process of the statement meanwhile.
    quarantine.require(this.#work.statement);
    this.#began = performance.now();
    this.#timer = setTimeout(() => this.#becomeHeavy(), lightMs);
    running.begin(this.#work);
  }

  async #wait(place: Place): Promise<void> {
    if (!place.isTaken) await this.#admission.wait(place, this.#untilGivenUp());
    if (this.#hasLeft || this.#isOver) throw canceled();
  }

  /** Rejects when nobody wants the work any more; most never waits, and needs none of it. */
  #untilGivenUp(): Promise<never> {
    this.#givenUp ??= new Promise((_, reject) => {
      this.#giveUp = reject;
      if (this.#hasLeft) reject(canceled());
    });
    this.#givenUp.catch(() => undefined);
    return this.#givenUp;
  }

  /** What turns out to be long makes room for what is not. */
  #becomeHeavy(): void {
    this.#admission.quick.delete(this.#work.statement);
    const { heavy } = this.#admission;
    if (heavy.taken >= heavy.total * overdraft) {
      this.#timer = setTimeout(() => this.#becomeHeavy(), lightMs);
      return;
    }
    this.#place?.leave();
    this.#place = heavy.force(this.#caller);
    this.#isHeavy = true;
    this.#watchReader();
  }

  #watchReader(): void {
    this.#timer = setInterval(() => {
      this.#isSlow ||= this.#wasHeldUp;
      if (this.#wasHeldUp) this.#giveWay();
      this.#wasHeldUp = this.#isHeldUp;
    }, lookMs);
  }

  #giveWay(): void {
    this.#place?.leave();
    this.#place = undefined;
  }

  #learn(): void {
    if (!this.#isHeavy) return;
    const took = performance.now() - this.#began;
    this.#admission.took(took);
    if (took < lightMs) this.#admission.quick.set(this.#work.statement, true);
  }
}

function canceled(): DataFusionEngineError {
  return new DataFusionEngineError("The query was canceled.", { code: "query_canceled" });
}
