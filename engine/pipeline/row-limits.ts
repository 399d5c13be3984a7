/** Holds the rows of nodes to what the caller of a run may have, also where an earlier run has computed them. */
import type { Caller } from "../caller.js";
import { DataFusionEngineError } from "../data-fusion-engine-error.js";
import type { DriverAdapter } from "./adapter.js";

export function rowLimits({ terms: { row_limit: maximum } }: Caller): DriverAdapter {
  return {
    name: "row_limits",
    async aroundStep({ node, action }, next) {
      const outcome = await next();
      if (maximum == null || action !== "compute" || outcome.rows <= maximum) return outcome;
      const message = `The node ${node.name} has ${outcome.rows} rows, and the key may have ${maximum}.`;
      throw new DataFusionEngineError(message, {
        code: "result_too_large",
        details: { node: node.name, limit: "row_limit", maximum },
      });
    },
  };
}
