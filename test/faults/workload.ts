/** Writers that work on one table at the same time, through any number of servers. */
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "../fixture/client.js";
import { isConflict, type Outcome, perform } from "./numbered-table.js";
import type { OperationSource } from "./operation-source.js";
import type { Operation } from "./operations.js";
import type { SeededRandom } from "./seeded-random.js";

const tries = 6;

export class Workload {
  readonly outcomes: Outcome[] = [];
  readonly #clients: readonly Client[];
  readonly #table: string;
  readonly #source: OperationSource;
  readonly #random: SeededRandom;
  #left = Number.POSITIVE_INFINITY;
  #acknowledged = 0;

  constructor(clients: readonly Client[], table: string, source: OperationSource, random: SeededRandom) {
    this.#clients = clients;
    this.#table = table;
    this.#source = source;
    this.#random = random;
  }

  /** Lets writers work until so many operations have ended, or `stop` is called. */
  async run(writers: number, operations = Number.POSITIVE_INFINITY): Promise<Outcome[]> {
    this.#left = operations;
    await Promise.all(Array.from({ length: writers }, () => this.#write()));
    return this.outcomes;
  }

  stop(): void {
    this.#left = 0;
  }

  /** A writer ends with its server. */
  async #write(): Promise<void> {
    while (this.#left-- > 0) {
      const outcome = await this.#insist(this.#source.next(), this.#random.pick(this.#clients));
      this.outcomes.push(outcome);
      if (outcome.ended === "unknown") return;
      if (outcome.ended === "refused") continue;
      this.#acknowledged = Math.max(this.#acknowledged, outcome.version);
      this.#source.settle(outcome.operation);
    }
  }

  /** Tries again, as the same operation, while others are faster. */
  async #insist(operation: Operation, client: Client): Promise<Outcome> {
    const sending = { headers: { "idempotency-key": operation.id }, after: this.#acknowledged };
    for (let attempt = 1; ; attempt++) {
      const outcome = await perform(client, this.#table, operation, sending);
      if (!isConflict(outcome) || attempt === tries) return outcome;
      await pause(this.#random.below(20 * 2 ** attempt));
    }
  }
}

/** The ends of a workload, counted. */
export function tally(outcomes: Outcome[]): string {
  const counts = { acknowledged: 0, conflict: 0, refused: 0, unknown: 0 };
  for (const outcome of outcomes) counts[endOf(outcome)] += 1;
  return Object.entries(counts)
    .map(([end, count]) => `${count} ${end}`)
    .join(", ");
}

function endOf(outcome: Outcome): "acknowledged" | "conflict" | "refused" | "unknown" {
  if (outcome.ended === "done") return "acknowledged";
  return isConflict(outcome) ? "conflict" : outcome.ended;
}

/** Refusals other than conflicts: a workload has none. */
export function refusals(outcomes: Outcome[]): string[] {
  return outcomes.flatMap((outcome) =>
    outcome.ended === "refused" && !isConflict(outcome)
      ? [`${outcome.operation.id}: ${outcome.status} ${outcome.problem.code}: ${outcome.problem.detail}`]
      : [],
  );
}
