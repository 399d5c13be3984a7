/** A number of places, given out fairly: the next goes to whoever has the fewest for their weight, in turns. */

/** Whoever wants places. */
export interface Claimant {
  readonly id: string;
  /** The most places at once; as many as there are without it. */
  readonly most?: number;
  /** Twice the weight is twice the share where places are short. */
  readonly weight?: number;
}

/** A place, or the wait for one. */
export interface Place {
  readonly isTaken: boolean;
  /** Resolves when the place is taken; never, where it is left before. */
  readonly taken: Promise<void>;
  /** Repeatable. */
  leave(): void;
}

interface Line {
  readonly id: string;
  readonly most: number;
  readonly weight: number;
  readonly waiting: Waiter[];
  taken: number;
}

interface Waiter {
  take(): void;
}

export class Places {
  readonly #total: number;
  readonly #lines = new Map<string, Line>();
  #taken = 0;
  #waiting = 0;

  constructor(total: number) {
    this.#total = total;
  }

  get taken(): number {
    return this.#taken;
  }

  get total(): number {
    return this.#total;
  }

  get waiting(): number {
    return this.#waiting;
  }

  waitingOf({ id }: Claimant): number {
    return this.#lines.get(id)?.waiting.length ?? 0;
  }

  claim(claimant: Claimant): Place {
    const line = this.#line(claimant);
    const place = new Claim(() => this.#free(line, place));
    line.waiting.push(place);
    this.#waiting += 1;
    this.#giveOut();
    return place;
  }

  /** A place beyond the number, for work that is there already. */
  force(claimant: Claimant): Place {
    const line = this.#line(claimant);
    const place = new Claim(() => this.#free(line, place));
    this.#take(line, place);
    return place;
  }

  #line({ id, most = Number.POSITIVE_INFINITY, weight = 1 }: Claimant): Line {
    const line = this.#lines.get(id) ?? { id, most, weight, waiting: [], taken: 0 };
    this.#lines.set(id, line);
    return line;
  }

  #giveOut(): void {
    while (this.#taken < this.#total) {
      const line = this.#next();
      const waiter = line?.waiting.shift();
      if (line === undefined || waiter === undefined) return;
      this.#waiting -= 1;
      // Behind those that have as few places.
      this.#lines.delete(line.id);
      this.#lines.set(line.id, line);
      this.#take(line, waiter);
    }
  }

  #next(): Line | undefined {
    let next: Line | undefined;
    for (const line of this.#lines.values()) {
      if (line.waiting.length === 0 || line.taken >= line.most) continue;
      if (next === undefined || line.taken / line.weight < next.taken / next.weight) next = line;
    }
    return next;
  }

  #take(line: Line, waiter: Waiter): void {
    line.taken += 1;
    this.#taken += 1;
    waiter.take();
  }

  #free(line: Line, place: Claim): void {
    if (place.isTaken) {
      line.taken -= 1;
      this.#taken -= 1;
    } else {
      line.waiting.splice(line.waiting.indexOf(place), 1);
      this.#waiting -= 1;
    }
    if (line.taken === 0 && line.waiting.length === 0) this.#lines.delete(line.id);
    this.#giveOut();
  }
}

class Claim implements Place {
  readonly taken: Promise<void>;
  #isTaken = false;
  #isLeft = false;
  #resolve: () => void = () => undefined;
  readonly #free: () => void;

  constructor(free: () => void) {
    this.#free = free;
    this.taken = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get isTaken(): boolean {
    return this.#isTaken;
  }

  take(): void {
    this.#isTaken = true;
    this.#resolve();
  }

  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#free();
  }
}
