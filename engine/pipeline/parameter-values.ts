/** The values of the parameters of a pipeline: those that a run gives, or their defaults. */
import type { TypedParameter } from "../../schemas/generated/index.js";
import { DataFusionEngineError } from "../data-fusion-engine-error.js";
import type { PlanContext } from "./driver-builder.js";
import type { ReadNode } from "./driver-node.js";
import type { ReadNodes } from "./read-nodes.js";

export class ParameterValues {
  readonly #given: Readonly<Record<string, unknown>>;
  readonly #isRun: boolean;
  readonly #nodes: ReadNodes["parameters"];

  constructor({ parameters = {}, runId }: PlanContext, nodes: ReadNodes["parameters"]) {
    this.#given = parameters;
    this.#isRun = runId !== undefined;
    this.#nodes = nodes;
    const unknown = Object.keys(parameters).find((name) => !nodes.has(name));
    if (unknown !== undefined) throw invalid(unknown, `The pipeline has no parameter ${unknown}.`);
  }

  /** With a null for those that only a run gives. */
  ofPlan(node: ReadNode): Record<string, { type: string; default: unknown }> {
    return this.#each(node.parameters, ({ type, value }) => ({ type, default: value }));
  }

  of(node: ReadNode): Record<string, TypedParameter> {
    return this.#each(node.parameters, (value) => value);
  }

  all(names: Iterable<string>): Record<string, unknown> {
    return this.#each([...names], ({ value }) => value);
  }

  #each<T>(names: readonly string[], make: (value: TypedParameter) => T): Record<string, T> {
    return Object.fromEntries(names.map((name) => [name, make(this.#value(name))]));
  }

  #value(name: string): TypedParameter {
    const { type = "Utf8", default: otherwise } = this.#nodes.get(name)?.definition.parameter ?? {};
    const value = this.#given[name] ?? otherwise;
    if (value === undefined && this.#isRun) {
      const message = `The parameter ${name} has no default: give it a value in "parameters".`;
      throw new DataFusionEngineError(message, { code: "parameter_missing", details: { parameter: name } });
    }
    return { type, value: value ?? null };
  }
}

function invalid(parameter: string, message: string): DataFusionEngineError {
  return new DataFusionEngineError(message, { code: "parameter_invalid", details: { parameter } });
}
