/** Runs steps as soon as those before them are done, a bounded number together, the first in order first. */
import type { PipelineGraph } from "./pipeline-graph.js";

/** Does a step; whether those after it may be done. */
export type DoStep = (id: string) => Promise<boolean>;

export async function runSchedule(
  graph: PipelineGraph,
  atOnce: number,
  work: DoStep,
  skip: (id: string) => void,
): Promise<void> {
  const schedule = new Schedule(graph);
  const lane = async () => {
    for (let next = await schedule.next(); next !== undefined; next = await schedule.next()) {
      if (schedule.isCut(next)) {
        skip(next);
        schedule.done(next, false);
      } else schedule.done(next, await work(next));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

class Schedule {
  readonly #graph: PipelineGraph;
  readonly #place: ReadonlyMap<string, number>;
  readonly #open: Map<string, number>;
  readonly #cut = new Set<string>();
  readonly #ready: string[];
  #waiting: (() => void)[] = [];
  #left: number;

  constructor(graph: PipelineGraph) {
    const order = graph.order();
    this.#graph = graph;
    this.#place = new Map(order.map((id, index) => [id, index]));
    this.#open = new Map(order.map((id) => [id, graph.dependencies(id).length]));
    this.#ready = order.filter((id) => this.#open.get(id) === 0);
    this.#left = order.length;
  }

  /** The step that comes next, once one is ready; undefined when there are no more. */
  async next(): Promise<string | undefined> {
    while (this.#ready.length === 0 && this.#left > 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#ready.shift();
  }

  isCut(id: string): boolean {
    return this.#cut.has(id);
  }

  done(id: string, goesOn: boolean): void {
    this.#left -= 1;
    for (const after of this.#graph.dependents(id)) {
      if (!goesOn) this.#cut.add(after);
      const open = (this.#open.get(after) ?? 0) - 1;
      this.#open.set(after, open);
      if (open === 0) this.#ready.push(after);
    }
    this.#ready.sort((left, right) => (this.#place.get(left) ?? 0) - (this.#place.get(right) ?? 0));
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
