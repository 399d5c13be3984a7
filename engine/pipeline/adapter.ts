/** What watches the work of a driver: around each run and each step, the first adapter outermost. */
import type { RowSchema } from "../../schemas/generated/index.js";
import type { DriverNode } from "./driver-node.js";

export interface RunFacts {
  readonly id: string;
  readonly pipeline: string;
}

/** What a step of a run came to. */
export interface StepOutcome {
  readonly rows: number;
  readonly schema: RowSchema;
  /** Some of the rows that a check found. */
  readonly offending?: Record<string, unknown>[];
  /** What is told and stops nothing. */
  readonly warnings?: readonly string[];
}

export interface Step {
  readonly run: RunFacts;
  readonly node: DriverNode;
  readonly action: "compute" | "write";
}

export interface DriverAdapter {
  readonly name: string;
  aroundRun?<T>(run: RunFacts, next: () => Promise<T>): Promise<T>;
  aroundStep?(step: Step, next: () => Promise<StepOutcome>): Promise<StepOutcome>;
}

export function aroundRun<T>(adapters: readonly DriverAdapter[], run: RunFacts, work: () => Promise<T>): Promise<T> {
  return adapters.reduceRight<() => Promise<T>>(
    (next, adapter) => () => adapter.aroundRun?.(run, next) ?? next(),
    work,
  )();
}

export function aroundStep(
  adapters: readonly DriverAdapter[],
  step: Step,
  work: () => Promise<StepOutcome>,
): Promise<StepOutcome> {
  return adapters.reduceRight<() => Promise<StepOutcome>>(
    (next, adapter) => () => adapter.aroundStep?.(step, next) ?? next(),
    work,
  )();
}
