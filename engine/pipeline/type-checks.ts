/** Holds the rows of nodes to the columns that they were planned with. */
import { DataFusionEngineError } from "../data-fusion-engine-error.js";
import type { DriverAdapter } from "./adapter.js";

export const typeChecks: DriverAdapter = {
  name: "type_checks",
  async aroundStep({ node, action }, next) {
    const outcome = await next();
    if (action !== "compute") return outcome;
    const found = outcome.schema.fields.map(({ name, type }) => `${name} ${type}`);
    const planned = node.columns.map(({ name, dtype }) => `${name} ${dtype}`);
    if (found.join() === planned.join()) return outcome;
    const message = `The node ${node.name} was planned with ${planned.join(", ")} and gave ${found.join(", ")}.`;
    throw new DataFusionEngineError(message, { code: "contract_violated", details: { node: node.name } });
  },
};
