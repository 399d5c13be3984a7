/** The TypeScript domain over the Rust engine; knows no HTTP. */
export { decode, encode } from "./codec.js";
export { DataFusionEngineError } from "./data-fusion-engine-error.js";
export { deltaFeatureGatePayload } from "./delta-feature-gate-payload.js";
export { type Encoding, variantOf } from "./encoding.js";
export { type Engine, type EngineOptions, openEngine } from "./engine.js";
export { hashBytes } from "./hashing.js";
export type { Log } from "./log.js";
export { type RowFormat, type StartedQuery, type TableOperation, validateProtocolGate } from "./native.js";
export type { Queries, QueryResult, ResultFile } from "./queries.js";
export type { Query } from "./query.js";
export { ImmutableRegistry, MutableRegistry, type Registry } from "./registry.js";
export type { ResultBody } from "./result-body.js";
export type { FoundResult } from "./result-cache.js";
export type { Condition } from "./table-catalog.js";
export type { IncomingRows } from "./table-operations.js";
