/** What of a semantic model can't be planned over its relations, where these are known. */
import type { SemanticModel, SemanticQuery, ValidationFailure } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { NativeEngine, NativeSession } from "./native.js";

/** A part of a model, as the question of a model that has it alone. */
interface Part {
  readonly pointer: string;
  readonly model: SemanticModel;
  readonly question: SemanticQuery;
}

/** No view has a space in its name. */
const planned = "semantic model";

export async function semanticFaults(
  model: SemanticModel,
  native: NativeEngine,
  session: NativeSession,
): Promise<ValidationFailure[]> {
  const faults: ValidationFailure[] = [];
  for (const { pointer, model: part, question } of partsOf(model)) {
    try {
      const { sql } = native.semanticStatement(part, question);
      await session.planView(planned, { sql }, []);
    } catch (error) {
      if (!(error instanceof DataFusionEngineError)) throw error;
      // Relations may come later.
      if (error.code !== "unknown_table") faults.push({ pointer, keyword: error.code, message: error.message });
    }
  }
  return faults;
}

function partsOf(model: SemanticModel): Part[] {
  const { grain, keys = [], joins = [], dimensions = [], metrics = [] } = model;
  const expression = (pointer: string, sql: string) => ofExpression(model, pointer, sql);
  return [
    ...grain.map((column, index) => expression(`/grain/${index}`, quoted(column))),
    ...keys.map((column, index) => expression(`/keys/${index}`, quoted(column))),
    ...joins.map(({ on }, index) => expression(`/joins/${index}/on`, on)),
    ...dimensions.flatMap(({ name, expression: sql, time_grains = [] }, index) => [
      expression(`/dimensions/${index}/expression`, sql),
      ...time_grains.slice(0, 1).map((grain) => {
        const pointer = `/dimensions/${index}/time_grains`;
        return { pointer, model, question: { dimensions: [name], grain } };
      }),
    ]),
    ...metrics.flatMap(({ name, filter }, index) => [
      ...(filter == null ? [] : [expression(`/metrics/${index}/filter`, filter)]),
      { pointer: `/metrics/${index}/expression`, model: without(model, index), question: { metrics: [name] } },
    ]),
  ];
}

function ofExpression(model: SemanticModel, pointer: string, expression: string): Part {
  const part = { ...model, dimensions: [{ name: "part", expression }], metrics: [] };
  return { pointer, model: part, question: { dimensions: ["part"] } };
}

/** The metric without its filter, which is told apart. */
function without(model: SemanticModel, index: number): SemanticModel {
  const metrics = (model.metrics ?? []).map((metric, place) =>
    place === index ? { ...metric, filter: null } : metric,
  );
  return { ...model, metrics };
}

function quoted(column: string): string {
  return `"${column.replaceAll('"', '""')}"`;
}
