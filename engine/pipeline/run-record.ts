/** How a run stands: on disk, for those who ask, and for those who follow it. */
import type { PipelineDefinition, PipelineRun, RunNode, RunRequest, ViewSpec } from "../../schemas/generated/index.js";
import type { CallerFacts } from "../caller.js";
import type { DocumentStore } from "../document-store.js";
import type { Log } from "../log.js";
import { Turns } from "../turns.js";

/** A run as it is kept on disk, with all that it takes to go on. */
export interface StoredRun {
  /** Sorts the newest first. */
  readonly order: string;
  readonly run: PipelineRun;
  readonly request: RunRequest;
  readonly definition: PipelineDefinition;
  /** Whose limits it is held to; absent where nobody was asked who they are. */
  readonly caller?: CallerFacts;
  /** The definitions of views that all nodes read, once they are fixed. */
  readonly views?: Readonly<Record<string, ViewSpec>>;
  /** Of the request, where the client named it. */
  readonly asked?: string;
  /** How many changes there were, and which was the last of the run and of each node. */
  readonly changes: RunChanges;
}

interface RunChanges {
  readonly count: number;
  readonly run: number;
  readonly nodes: Readonly<Record<string, number>>;
}

/** A change that is told to those who follow a run. */
export interface RunEvent {
  readonly id: number;
  readonly event: "run" | "node";
  readonly data: object;
}

/** After which those who follow are told that the run still goes on. */
const quietMs = 10_000;

const ended: readonly PipelineRun["status"][] = ["SUCCEEDED", "FAILED", "CANCELED"];

export class RunRecord {
  readonly #store: DocumentStore<StoredRun>;
  readonly #log: Log;
  readonly #followers = new Set<() => void>();
  #stored: StoredRun;
  readonly #saves = new Turns();
  #isWaiting = false;

  constructor(stored: StoredRun, store: DocumentStore<StoredRun>, log: Log) {
    this.#stored = stored;
    this.#store = store;
    this.#log = log;
  }

  get stored(): StoredRun {
    return this.#stored;
  }

  get run(): PipelineRun {
    return this.#stored.run;
  }

  get isOver(): boolean {
    return ended.includes(this.run.status);
  }

  /** Changes what is said of the run, once that is on disk. */
  change(change: Partial<PipelineRun>): Promise<void> {
    return this.replace({ ...this.run, ...change });
  }

  /** Says something else of the run, and what it goes by, once that is on disk. */
  replace(run: PipelineRun, terms: Partial<Pick<StoredRun, "caller" | "views">> = {}): Promise<void> {
    return this.#saves.run(async () => {
      const next = { ...this.#stored, ...terms, run, changes: this.#runChange(run) };
      await this.#store.save(run.run_id, next);
      this.#set(next);
    });
  }

  /** Changes what is said of a node; on disk a little later. */
  changeNode(name: string, change: Partial<RunNode>): void {
    const { changes } = this.#stored;
    const count = changes.count + 1;
    const nodes = this.run.nodes.map((node) => (node.name === name ? { ...node, ...change } : node));
    this.#set({
      ...this.#stored,
      run: { ...this.run, nodes },
      changes: { ...changes, count, nodes: { ...changes.nodes, [name]: count } },
    });
    this.#saveSoon();
  }

  node(name: string): RunNode | undefined {
    return this.run.nodes.find((node) => node.name === name);
  }

  /** Waits for the end, as long as `signal` lets it. */
  async end(signal: AbortSignal): Promise<void> {
    while (!this.isOver && !signal.aborted) await this.#nextChange(signal);
  }

  /** The changes after one, as the run stands, and nothing after each while in which there were none; ends with the run,
   * or when `signal` says so. */
  async *follow(after: number, signal: AbortSignal): AsyncGenerator<RunEvent | undefined> {
    for (let last = after; !signal.aborted; ) {
      const events = this.#eventsAfter(last);
      for (const event of events) {
        last = event.id;
        yield event;
      }
      if (events.length > 0) continue;
      if (this.isOver) return;
      if (!(await this.#nextChange(signal))) yield undefined;
    }
  }

  #eventsAfter(last: number): RunEvent[] {
    const { changes, run } = this.#stored;
    const { nodes, ...facts } = run;
    const ofNodes = nodes.map((data) => ({ id: changes.nodes[data.name] ?? 0, event: "node" as const, data }));
    // The run comes last, so that its end is the end.
    const all = [...ofNodes, { id: changes.run, event: "run" as const, data: facts }];
    return all.filter(({ id }) => id > last).sort((left, right) => left.id - right.id);
  }

  /** Whether something has happened before it was quiet for long. */
  #nextChange(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (hasChanged: boolean) => {
        clearTimeout(quiet);
        this.#followers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve(hasChanged);
      };
      const wake = () => end(true);
      const quiet = setTimeout(end, quietMs, false);
      this.#followers.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  #runChange(run: PipelineRun): RunChanges {
    const { changes } = this.#stored;
    const count = changes.count + 1;
    const before = new Set(this.run.nodes);
    const nodes = run.nodes.map((node) => [node.name, before.has(node) ? (changes.nodes[node.name] ?? count) : count]);
    return { count, run: count, nodes: Object.fromEntries(nodes) };
  }

  #set(stored: StoredRun): void {
    this.#stored = stored;
    for (const wake of [...this.#followers]) wake();
  }

  /** The save that waits for its turn has all changes until then. */
  #saveSoon(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const saved = this.#saves.run(async () => {
      this.#isWaiting = false;
      await this.#store.save(this.run.run_id, this.#stored);
    });
    saved.catch((err) => this.#log.warn({ err, run: this.run.run_id }, "how a run stands is not remembered"));
  }
}
