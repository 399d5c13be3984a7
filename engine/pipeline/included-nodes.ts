/** Which nodes a run has: its targets, what they depend on, and the checks of that. */
import { DataFusionEngineError } from "../data-fusion-engine-error.js";
import type { ReadNode } from "./driver-node.js";
import type { PipelineGraph } from "./pipeline-graph.js";

export function includedNodes(
  nodes: readonly ReadNode[],
  graph: PipelineGraph,
  targets: readonly string[] | undefined,
): readonly ReadNode[] {
  if (targets === undefined) return nodes;
  const unknown = targets.find((name) => !graph.has(name));
  if (unknown !== undefined) throw noSuchNode(unknown);
  const wanted = graph.upstream(targets);
  const isChecked = ({ kind, reads }: ReadNode) => kind === "check" && reads.every((name) => wanted.has(name));
  return nodes.filter((node) => wanted.has(node.name) || (isChecked(node) && node.reads.length > 0));
}

/** The checks that rows of a node wait for: those of it that don't also read what depends on it. */
export function gatesOf(nodes: readonly ReadNode[], graph: PipelineGraph): Map<string, string[]> {
  const gates = new Map<string, string[]>();
  for (const { kind, name, reads } of nodes) {
    if (kind !== "check") continue;
    const last = reads.filter((read) => !reads.some((other) => other !== read && graph.upstream([other]).has(read)));
    for (const read of last) gates.set(read, [...(gates.get(read) ?? []), name]);
  }
  return gates;
}

function noSuchNode(name: string): DataFusionEngineError {
  return new DataFusionEngineError(`The pipeline has no node ${name}.`, {
    code: "invalid_request",
    details: { pointer: "/targets", node: name },
  });
}
