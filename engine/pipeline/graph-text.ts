/** A graph as a text that other programs draw. */
import type { GraphNode, PipelineGraph } from "../../schemas/generated/index.js";

type Shapes = Readonly<Record<GraphNode["kind"], readonly [string, string]>>;

const mermaidShapes: Shapes = {
  source: ["[(", ")]"],
  output: ["[(", ")]"],
  parameter: ["{{", "}}"],
  check: ["{", "}"],
  sql: ["[", "]"],
  table: ["[", "]"],
  expressions: ["[", "]"],
};

export function mermaid({ nodes, edges }: PipelineGraph): string {
  const numbers = new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
  const points = nodes.map(({ id, name, kind }) => {
    const [before, after] = mermaidShapes[kind];
    return `  ${numbers.get(id)}${before}"${name}"${after}`;
  });
  const arrows = edges.map(({ from, to, kind }) => {
    const arrow = kind === "reads" || kind === "writes" ? "-->" : "-.->";
    return `  ${numbers.get(from)} ${arrow} ${numbers.get(to)}`;
  });
  return ["flowchart LR", ...points, ...arrows, ""].join("\n");
}

const graphvizShapes: Readonly<Record<GraphNode["kind"], string>> = {
  source: "cylinder",
  output: "cylinder",
  parameter: "hexagon",
  check: "diamond",
  sql: "box",
  table: "box",
  expressions: "box",
};

export function graphviz({ nodes, edges }: PipelineGraph): string {
  const points = nodes.map(({ id, name, kind }) => `  "${id}" [label="${name}", shape=${graphvizShapes[kind]}];`);
  const arrows = edges.map(({ from, to, kind }) => {
    const style = kind === "reads" || kind === "writes" ? "solid" : "dashed";
    return `  "${from}" -> "${to}" [style=${style}];`;
  });
  return ["digraph pipeline {", "  rankdir=LR;", ...points, ...arrows, "}", ""].join("\n");
}
