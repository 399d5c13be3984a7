/** Plans nodes over each other's columns and all tables at one version. */
import type {
  NodePlan,
  NodePlans,
  QueryIdentity,
  QuerySource,
  TablePin,
  ViewSpec,
} from "../../schemas/generated/index.js";
import type { PlanContext } from "./driver-builder.js";
import type { DriverConfig } from "./driver-config.js";
import type { DriverNode, ReadNode } from "./driver-node.js";
import type { Faults } from "./faults.js";
import { includedNodes } from "./included-nodes.js";
import { NodeKeys } from "./node-keys.js";
import { ParameterValues } from "./parameter-values.js";
import type { PipelineGraph } from "./pipeline-graph.js";
import type { ReadNodes } from "./read-nodes.js";
import { refuseWrites } from "./refused-writes.js";

export interface PlannedNodes {
  readonly graph: PipelineGraph;
  /** Those that are wanted, in the order in which they run. */
  readonly nodes: readonly DriverNode[];
  /** The parameters that these take, with their values. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly sources: readonly QuerySource[];
  /** The definitions of the views that they read. */
  readonly views: Readonly<Record<string, ViewSpec>>;
  readonly context: PlanContext;
}

export async function planNodes(
  context: PlanContext,
  { graph, nodes, parameters }: ReadNodes,
  config: DriverConfig,
  faults: Faults,
): Promise<PlannedNodes> {
  const included = includedNodes(nodes, graph, context.targets);
  const values = new ParameterValues(context, parameters);
  const pins = pinsOf(context, included, faults);
  const specs = included
    .filter(({ sql }) => sql !== "")
    .map((node) => ({
      name: node.name,
      sql: node.sql,
      parameters: values.ofPlan(node),
      is_check: node.kind === "check",
    }));
  const { gate = null, kept = {}, views = {}, session } = context;
  const plans: NodePlans = await session.planNodes({
    nodes: specs,
    pins,
    gate,
    kept: { ...kept },
    views: { ...views },
    needs_identity: context.runId !== undefined,
  });
  tell(plans.nodes, included, faults);
  refuseWrites(included, plans.nodes, faults);
  const { sources = [] } = plans;
  const taken = new Set(included.flatMap((node) => node.parameters));
  if (!faults.areNone) return { graph, nodes: [], parameters: {}, sources, views: {}, context };
  const read = new Set(included.flatMap(({ reads }) => reads));
  const keys = new NodeKeys({
    storageOptions: context.storageOptions,
    runId: context.runId,
    cacheOf: ({ definition }) => config.cache ?? definition.cache ?? "default",
    valuesOf: (node) => values.of(node),
    isWanted: (node) => isWanted(node, read, context),
  });
  const byName = new Map(included.map((node) => [node.name, node]));
  const planned = plans.nodes.flatMap((plan) => {
    const node = byName.get(plan.name);
    return node === undefined || !plan.is_planned ? [] : [keys.add(node, plan, plan.identity ?? unasked)];
  });
  return { graph, nodes: planned, parameters: values.all(taken), sources, views: viewsOf(plans.nodes), context };
}

/** With their macros written out: no change of these changes them either. */
function viewsOfIdentity({ views = {} }: QueryIdentity): Record<string, ViewSpec> {
  const specs = Object.entries(views).map(([name, { statement, parameters }]) => [
    name,
    { sql: statement, parameters },
  ]);
  return Object.fromEntries(specs);
}

function viewsOf(plans: readonly NodePlan[]): Record<string, ViewSpec> {
  const views: Record<string, ViewSpec> = {};
  for (const { identity } of plans) if (identity != null) Object.assign(views, viewsOfIdentity(identity));
  return views;
}

/** Of nodes that are only planned. */
const unasked: QueryIdentity = { statement: "", engine: "", time_zone: "", sources: [] };

/** Whether the rows of a node are asked for by themselves. */
function isWanted(node: ReadNode, read: ReadonlySet<string>, { targets = [] }: PlanContext): boolean {
  if (node.kind === "check" || node.definition.materialize !== undefined || targets.includes(node.name)) return true;
  return !read.has(node.name);
}

/** All nodes read a table at one version. */
function pinsOf(context: PlanContext, nodes: readonly ReadNode[], faults: Faults): Record<string, TablePin> {
  const pins = new Map<string, TablePin>();
  for (const { definition, pointer } of nodes) {
    const { table, pin } = definition;
    if (pin === undefined) continue;
    const other = pins.get(table ?? "");
    if (table === undefined) faults.add(`${pointer}/pin`, "pin", "goes with `table`");
    else if (other === undefined || isSame(other, pin)) pins.set(table, pin);
    else faults.add(`${pointer}/pin`, "pin", `has '${table}' read at two versions in one run`);
  }
  return { ...Object.fromEntries(pins), ...context.pins };
}

function isSame(left: TablePin, right: TablePin): boolean {
  return left.version === right.version && left.timestamp === right.timestamp;
}

function tell(plans: readonly NodePlan[], nodes: readonly ReadNode[], faults: Faults): void {
  const pointers = new Map(nodes.map(({ name, pointer }) => [name, pointer]));
  for (const { name, error } of plans) {
    if (error == null) continue;
    const place = error.location ? ` (line ${error.location.line}, column ${error.location.column})` : "";
    faults.add(pointers.get(name) ?? "", error.code, `${name}: ${error.message}${place}`);
  }
}
