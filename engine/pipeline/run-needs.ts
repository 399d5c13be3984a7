/** What of a run is to be done: which nodes are computed, and which are written. */
import type { DriverNode } from "./driver-node.js";

/** What was written of a node last. */
export interface Output {
  /** Equal where rows and destination are. */
  readonly fingerprint: string;
  readonly run_id: string;
  readonly table?: string;
  readonly file?: string;
  readonly version?: number;
}

export interface Needs {
  /** How each node comes to its rows. */
  readonly rows: ReadonlyMap<string, "compute" | "find" | "none">;
  /** What is still right of what was written. */
  readonly unchanged: ReadonlyMap<string, Output>;
}

export interface NeedsContext {
  readonly has: (key: string) => boolean;
  /** What was written of a node, where it is still right for it. */
  readonly output: (node: DriverNode) => Promise<Output | undefined>;
  /** Nodes whose rows are wanted by themselves. */
  readonly targets: readonly string[];
}

export async function needsOf(nodes: readonly DriverNode[], context: NeedsContext): Promise<Needs> {
  const unchanged = new Map<string, Output>();
  for (const node of nodes) {
    const output = node.definition.materialize && (await context.output(node));
    if (output !== undefined) unchanged.set(node.name, output);
  }
  const wanted = new Set<string>();
  const rows = new Map<string, "compute" | "find" | "none">();
  const read = new Set(nodes.flatMap(({ reads }) => reads));
  for (const node of [...nodes].reverse()) {
    const way = wayOf(node, isWanted(node) || wanted.has(node.name), context);
    rows.set(node.name, way);
    if (way === "compute" || (node.isInlined && wanted.has(node.name))) for (const name of node.reads) wanted.add(name);
  }
  return { rows, unchanged };

  function isWanted({ name, kind, definition }: DriverNode): boolean {
    if (definition.materialize !== undefined) return !unchanged.has(name);
    return kind === "check" || context.targets.includes(name) || !read.has(name);
  }
}

function wayOf(node: DriverNode, isWanted: boolean, { has }: NeedsContext): "compute" | "find" | "none" {
  if (node.isInlined) return "none";
  if (node.cache === "recompute") return "compute";
  if (!isWanted) return "none";
  return has(node.key) ? "find" : "compute";
}
