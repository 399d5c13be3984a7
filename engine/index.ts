/** The TypeScript domain over the Rust engine; knows no HTTP. */
export { type ApiKeyDefinition, ApiKeys, type StoredApiKey } from "./api-keys.js";
export {
  type Caller,
  callerOf,
  everybody,
  nobody,
  requireScope,
  requireVisible,
  scopes,
  throughView,
  visibleTo,
} from "./caller.js";
export { decode, encode } from "./codec.js";
export type { Condition } from "./condition.js";
export { DataFusionEngineError } from "./data-fusion-engine-error.js";
export { deltaFeatureGatePayload } from "./delta-feature-gate-payload.js";
export { DocumentRegistry, type Entry } from "./document-registry.js";
export { DocumentStore } from "./document-store.js";
export { type Encoding, variantOf } from "./encoding.js";
export { type Engine, type EngineOptions, openEngine } from "./engine.js";
export type { IncomingRows } from "./fill.js";
export { configFingerprint, type FingerprintableConfig } from "./fingerprint.js";
export { hashBytes } from "./hashing.js";
export { InvalidEntry } from "./invalid-entry.js";
export { joined } from "./joined.js";
export { parseJson, stringifyJson } from "./json.js";
export type { Log } from "./log.js";
export {
  bodyHasWideNumbers,
  type RowFormat,
  type StartedQuery,
  type TableOperation,
  validateProtocolGate,
} from "./native.js";
export * from "./pipeline/index.js";
export type { PipelineFile } from "./pipeline-files.js";
export type { Queries, QueryResult, ResultFile } from "./queries.js";
export type { Query } from "./query.js";
export { ImmutableRegistry, MutableRegistry, type Registry } from "./registry.js";
export type { ResultBody } from "./result-body.js";
export type { FoundResult } from "./result-cache.js";
export { Turns } from "./turns.js";
