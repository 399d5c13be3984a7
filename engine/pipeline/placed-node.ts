/** A node of a pipeline, and where it is written. */
import type { NodeKind, PipelineModule, PipelineNode } from "../../schemas/generated/index.js";
import { MutableRegistry } from "../registry.js";
import type { Faults } from "./faults.js";

/** Not let in as a key of MessagePack. */
const reserved = "__proto__";

export interface PlacedNode {
  readonly definition: PipelineNode;
  readonly kind: NodeKind;
  readonly module: string;
  /** The JSON pointer of its definition. */
  readonly pointer: string;
}

/** The nodes of all modules, where later ones take the place of earlier ones that let them. */
export function mergeModules(modules: readonly PipelineModule[], faults: Faults): PlacedNode[] {
  const merged = new MutableRegistry<string, PlacedNode>();
  for (const [index, module] of modules.entries()) {
    if (modules.findIndex(({ name }) => name === module.name) < index) {
      faults.add(`/modules/${index}/name`, "uniqueItems", `is the second module named '${module.name}'`);
    }
    for (const [place, definition] of module.nodes.entries()) {
      const pointer = `/modules/${index}/nodes/${place}`;
      if (definition.name === reserved) {
        faults.add(`${pointer}/name`, "reserved", "is a name that no node can have");
        continue;
      }
      const before = merged.get(definition.name);
      if (before !== undefined) refuseOverride(before, module.name, pointer, faults);
      const node = { definition, kind: kindOf(definition), module: module.name, pointer };
      merged.register(definition.name, node, { overwrite: true });
    }
  }
  return merged.entries().map(([, node]) => node);
}

function refuseOverride({ definition, module }: PlacedNode, by: string, pointer: string, faults: Faults): void {
  const { name, overridable = false } = definition;
  if (module === by) faults.add(`${pointer}/name`, "uniqueItems", `is the second node '${name}' of the module '${by}'`);
  else if (!overridable) {
    faults.add(`${pointer}/name`, "override", `takes the place of '${name}' of '${module}', which is not overridable`);
  }
}

export function kindOf(definition: PipelineNode): NodeKind {
  const kinds = ["sql", "table", "parameter", "expressions", "check"] as const;
  return kinds.find((kind) => definition[kind] !== undefined) ?? "sql";
}
