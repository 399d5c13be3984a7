/** Has a check that finds rows stop what depends on the checked ones, or warn. */
import { DataFusionEngineError } from "../data-fusion-engine-error.js";
import type { DriverAdapter } from "./adapter.js";

export const qualityGates: DriverAdapter = {
  name: "quality_gates",
  async aroundStep({ node, action }, next) {
    const outcome = await next();
    const { check } = node.definition;
    if (check === undefined || action !== "compute" || outcome.rows === 0) return outcome;
    const message = `The check ${node.name} found ${outcome.rows} ${outcome.rows === 1 ? "row" : "rows"}.`;
    if (check.severity === "warn") return { ...outcome, warnings: [...(outcome.warnings ?? []), message] };
    const { rows, offending = [] } = outcome;
    throw new DataFusionEngineError(message, { code: "check_failed", details: { node: node.name, rows, offending } });
  },
};
