/** What depends on what in a pipeline: a directed graph of names with one order. */
import { alg, Graph } from "@dagrejs/graphlib";

export class PipelineGraph {
  readonly #graph = new Graph();
  #order: readonly string[] | undefined;

  constructor(names: Iterable<string>) {
    for (const name of names) this.#graph.setNode(idOf(name));
  }

  /** Says that `to` depends on `from`. */
  connect(from: string, to: string): void {
    this.#order = undefined;
    this.#graph.setEdge(idOf(from), idOf(to));
  }

  has(name: string): boolean {
    return this.#graph.hasNode(idOf(name));
  }

  /** The names of each cycle, sorted. */
  cycles(): string[][] {
    return alg.findCycles(this.#graph).map((cycle) => cycle.map(nameOf).sort());
  }

  /** Each after those that it depends on; among those that could come next, the first by name. */
  order(): readonly string[] {
    this.#order ??= this.#sorted();
    return this.#order;
  }

  #sorted(): string[] {
    const open = new Map(this.#names().map((name) => [name, this.dependencies(name).length]));
    const ready = [...open].filter(([, count]) => count === 0).map(([name]) => name);
    const ordered: string[] = [];
    for (ready.sort(descending); ready.length > 0; ) {
      const next = ready.pop() as string;
      ordered.push(next);
      for (const reader of this.dependents(next)) {
        const count = (open.get(reader) ?? 0) - 1;
        open.set(reader, count);
        if (count === 0) insert(ready, reader);
      }
    }
    return ordered;
  }

  dependencies(name: string): string[] {
    return (this.#graph.predecessors(idOf(name)) ?? []).map(nameOf);
  }

  dependents(name: string): string[] {
    return (this.#graph.successors(idOf(name)) ?? []).map(nameOf);
  }

  /** All that some names depend on, and themselves. */
  upstream(names: readonly string[]): Set<string> {
    return reach(names, (name) => this.dependencies(name));
  }

  /** All that depends on some names, and themselves. */
  downstream(names: readonly string[]): Set<string> {
    return reach(names, (name) => this.dependents(name));
  }

  #names(): string[] {
    return this.#graph.nodes().map(nameOf);
  }
}

/** The library takes a node named `constructor` for what every object has. */
function idOf(name: string): string {
  return `:${name}`;
}

function nameOf(id: string): string {
  return id.slice(1);
}

function reach(names: readonly string[], next: (name: string) => string[]): Set<string> {
  const found = new Set(names);
  // A set goes on to what is added while it is gone through.
  for (const name of found) for (const other of next(name)) found.add(other);
  return found;
}

/** Keeps the last the first by name. */
function insert(sorted: string[], name: string): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (descending(sorted[middle] as string, name) < 0) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, name);
}

function descending(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? 1 : -1;
}
