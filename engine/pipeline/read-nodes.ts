/** The graph of a pipeline's nodes, by what their statements name. */
import type { NodeStatement } from "../../schemas/generated/index.js";
import type { NativeSession } from "../native.js";
import { ImmutableRegistry } from "../registry.js";
import type { ReadNode } from "./driver-node.js";
import type { Faults } from "./faults.js";
import { PipelineGraph } from "./pipeline-graph.js";
import type { PlacedNode } from "./placed-node.js";

export interface ReadNodes {
  readonly graph: PipelineGraph;
  /** In the order in which they run; without those whose statements can't be read, and those of cycles. */
  readonly nodes: readonly ReadNode[];
  readonly parameters: ImmutableRegistry<string, PlacedNode>;
}

export async function readNodes(
  session: NativeSession,
  placed: readonly PlacedNode[],
  faults: Faults,
): Promise<ReadNodes> {
  const parameters = ImmutableRegistry.from(
    placed.filter(({ kind }) => kind === "parameter").map((node) => [node.definition.name, node] as const),
  );
  const statements = placed.filter(({ kind }) => kind !== "parameter");
  const drafts = statements.map(({ definition: { name, sql, table, expressions, check } }) => {
    const given = { sql, table, expressions, check };
    return { name, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
  });
  const names = ImmutableRegistry.from(statements.map((node) => [node.definition.name, node] as const));
  const known = (await session.readNodes({ nodes: drafts })).nodes;
  const read = statements.flatMap((node, index) => {
    const statement = known[index];
    if (statement === undefined) return [];
    faults.addWithin(node.pointer, statement.errors);
    return [readNode(node, statement, names, parameters, faults)];
  });
  const graph = connect(placed, read, faults);
  refuseUnused(parameters, graph, faults);
  const byName = new Map(read.map((node) => [node.name, node]));
  const nodes = graph.order().flatMap((name) => byName.get(name) ?? []);
  return { graph, nodes, parameters };
}

function readNode(
  node: PlacedNode,
  { sql, relations = [], parameters: named = [] }: NodeStatement,
  names: ImmutableRegistry<string, PlacedNode>,
  parameters: ImmutableRegistry<string, PlacedNode>,
  faults: Faults,
): ReadNode {
  for (const name of named.filter((name) => !parameters.has(name))) {
    faults.add(node.pointer, "reference", `takes the parameter $${name}, and no node is a parameter of that name`);
  }
  for (const name of relations.filter((name) => parameters.has(name))) {
    faults.add(node.pointer, "reference", `reads '${name}', which is a parameter: write $${name}`);
  }
  return {
    ...node,
    name: node.definition.name,
    sql: sql ?? "",
    reads: relations.filter((name) => names.has(name)),
    parameters: named.filter((name) => parameters.has(name)),
    sources: relations.filter((name) => !names.has(name) && !parameters.has(name)),
  };
}

function connect(placed: readonly PlacedNode[], read: readonly ReadNode[], faults: Faults): PipelineGraph {
  const graph = new PipelineGraph(placed.map(({ definition }) => definition.name));
  for (const { name, reads, parameters } of read) {
    for (const dependency of [...reads, ...parameters]) graph.connect(dependency, name);
  }
  for (const { definition, pointer } of placed) {
    for (const [index, before] of (definition.after ?? []).entries()) {
      if (graph.has(before)) graph.connect(before, definition.name);
      else faults.add(`${pointer}/after/${index}`, "reference", `names no node: there is no '${before}'`);
    }
  }
  for (const cycle of graph.cycles()) {
    const [first] = cycle;
    const pointer = placed.find(({ definition }) => definition.name === first)?.pointer ?? "";
    faults.add(pointer, "cycle", `is part of a cycle: ${cycle.join(", ")} depend on each other`);
  }
  return graph;
}

function refuseUnused(parameters: ImmutableRegistry<string, PlacedNode>, graph: PipelineGraph, faults: Faults): void {
  for (const [name, { pointer }] of parameters.entries()) {
    if (graph.dependents(name).length === 0) faults.add(pointer, "unused", `is a parameter that no node takes`);
  }
}
