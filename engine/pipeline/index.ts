/** Pipelines as a library: nodes with their dependencies, built into a driver that runs them. */
export type { DriverAdapter, RunFacts, Step, StepOutcome } from "./adapter.js";
export { Driver, type RunObserver, type RunTerms } from "./driver.js";
export { DriverBuilder, type PlanContext } from "./driver-builder.js";
export { DriverConfig, type Execution } from "./driver-config.js";
export type { DriverNode } from "./driver-node.js";
export type { GraphAdapter, NodeRows, NodeWork } from "./graph-adapter.js";
export type { Materializer, Materializers, WriteWork, Written } from "./materializer.js";
export { PipelineGraph } from "./pipeline-graph.js";
export { qualityGates } from "./quality-gates.js";
export type { Output } from "./run-needs.js";
export { spans } from "./spans.js";
export { typeChecks } from "./type-checks.js";
