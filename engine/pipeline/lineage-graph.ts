/** The graph of a pipeline with the tables that it reads and writes, and where each column comes from. */
import type { GraphEdge, GraphNode, PipelineGraph as LineageGraph } from "../../schemas/generated/index.js";
import { DataFusionEngineError } from "../data-fusion-engine-error.js";
import type { Driver } from "./driver.js";
import type { DriverNode } from "./driver-node.js";
import { PipelineGraph } from "./pipeline-graph.js";

/** What a view reads; undefined for what is none. */
export type BelowView = (name: string) => readonly string[] | undefined;

export function lineageGraph(driver: Driver, below: BelowView): LineageGraph {
  const sources = sourcesOf(driver, below);
  const planned = new Map(driver.nodes.map((node) => [node.name, node]));
  const own = driver.graph.order().map((name): GraphNode => {
    const node = planned.get(name);
    return node === undefined ? { id: name, name, kind: "parameter" } : graphNode(node);
  });
  const outputs = driver.nodes.flatMap(outputOf);
  const nodes = [...sources.nodes, ...own, ...outputs.map(({ node }) => node)];
  const edges = [...sources.edges, ...driver.nodes.flatMap(edgesOf), ...outputs.map(({ edge }) => edge)];
  return { nodes, edges };
}

/** The part of a graph above and below some of its points. */
export function part(graph: LineageGraph, upstream?: string, downstream?: string): LineageGraph {
  const whole = new PipelineGraph(graph.nodes.map(({ id }) => id));
  for (const { from, to } of graph.edges) whole.connect(from, to);
  const above = upstream === undefined ? undefined : whole.upstream(named(graph, upstream));
  const below = downstream === undefined ? undefined : whole.downstream(named(graph, downstream));
  const isIn = (id: string) => (above?.has(id) ?? true) && (below?.has(id) ?? true);
  return {
    nodes: graph.nodes.filter(({ id }) => isIn(id)),
    edges: graph.edges.filter(({ from, to }) => isIn(from) && isIn(to)),
  };
}

/** A node and the table that it is written to may have one name: both are meant. */
function named({ nodes }: LineageGraph, name: string): string[] {
  const found = nodes.filter((node) => node.name === name || node.id === name).map(({ id }) => id);
  if (found.length > 0) return found;
  throw new DataFusionEngineError(`The graph has no ${name}.`, { code: "invalid_request", details: { name } });
}

function graphNode({ name, kind, columns }: DriverNode): GraphNode {
  return { id: name, name, kind, columns: [...columns] };
}

function edgesOf({ name, kind, reads, parameters, sources, definition }: DriverNode): GraphEdge[] {
  const reading = kind === "check" ? "checks" : "reads";
  return [
    ...sources.map((source) => ({ from: sourceId(source), to: name, kind: reading }) as const),
    ...reads.map((read) => ({ from: read, to: name, kind: reading }) as const),
    ...parameters.map((parameter) => ({ from: parameter, to: name, kind: "reads" }) as const),
    ...(definition.after ?? []).map((before) => ({ from: before, to: name, kind: "after" }) as const),
  ];
}

function sourcesOf(driver: Driver, below: BelowView): LineageGraph {
  const edges: GraphEdge[] = [];
  const names = new Set(driver.nodes.flatMap(({ sources }) => sources));
  // A set goes on to what is added while it is gone through.
  for (const name of names) {
    for (const read of below(name) ?? []) {
      names.add(read);
      edges.push({ from: sourceId(read), to: sourceId(name), kind: "reads" });
    }
  }
  return { nodes: [...names].sort().map((name) => ({ id: sourceId(name), name, kind: "source" })), edges };
}

function outputOf({
  name,
  columns,
  definition: { materialize: to },
}: DriverNode): { node: GraphNode; edge: GraphEdge }[] {
  if (to === undefined) return [];
  const { table, file, format = "parquet" } = to;
  const written = table ?? `${file}.${format}`;
  const id = `output:${written}`;
  const from = columns.map((column) => ({ ...column, from: [{ relation: name, column: column.name }] }));
  return [{ node: { id, name: written, kind: "output", columns: from }, edge: { from: name, to: id, kind: "writes" } }];
}

function sourceId(name: string): string {
  return `source:${name}`;
}
