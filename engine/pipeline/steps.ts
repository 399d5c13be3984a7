/** The steps of a run and their order: what a check looks at is neither written nor read on before the check is done. */
import type { DriverNode } from "./driver-node.js";
import { gatesOf } from "./included-nodes.js";
import { PipelineGraph } from "./pipeline-graph.js";

/** Of a node that others may read it when it is released. */
export type Action = "compute" | "write" | "release";

export interface RunStep {
  readonly id: string;
  readonly node: DriverNode;
  readonly action: Action;
}

export interface Steps {
  readonly graph: PipelineGraph;
  /** By their ids. */
  readonly byId: ReadonlyMap<string, RunStep>;
}

export function stepsOf(nodes: readonly DriverNode[], dependencies: PipelineGraph): Steps {
  const byId = new Map(nodes.flatMap(actionsOf).map((step) => [step.id, step] as const));
  const graph = new PipelineGraph(byId.keys());
  const gates = gatesOf(nodes, dependencies);
  const connect = (from: string, to: string) => {
    if (byId.has(from)) graph.connect(from, to);
  };
  for (const { name, kind } of nodes) {
    const checks = (gates.get(name) ?? []).map((check) => idOf("compute", check));
    for (const dependency of dependencies.dependencies(name)) {
      const isGate = kind === "check" && (gates.get(dependency) ?? []).includes(name);
      connect(idOf(isGate ? "compute" : "release", dependency), idOf("compute", name));
    }
    for (const before of [idOf("compute", name), ...checks]) {
      if (byId.has(idOf("write", name))) connect(before, idOf("write", name));
      connect(before, idOf("release", name));
    }
    connect(idOf("write", name), idOf("release", name));
  }
  return { graph, byId };
}

function actionsOf(node: DriverNode): RunStep[] {
  const actions: Action[] =
    node.definition.materialize === undefined ? ["compute", "release"] : ["compute", "write", "release"];
  return actions.map((action) => ({ id: idOf(action, node.name), node, action }));
}

/** No name of a node has a space in it. */
function idOf(action: Action, node: string): string {
  return `${node} ${action}`;
}
