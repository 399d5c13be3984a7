/** Every resource of the API. */
import type { App } from "./app.js";
import { cache } from "./cache.js";
import { contracts } from "./contracts.js";
import { functions } from "./functions.js";
import { gates } from "./gates.js";
import { health } from "./health.js";
import { metrics } from "./metrics.js";
import { parameterTables } from "./parameter-tables.js";
import { pipelineOutputs } from "./pipeline-outputs.js";
import { pipelineRuns } from "./pipeline-runs.js";
import { pipelines } from "./pipelines.js";
import { profiles } from "./profiles.js";
import { quarantine } from "./quarantine.js";
import { queries } from "./queries.js";
import { query } from "./query.js";
import { registries } from "./registries.js";
import { rows } from "./rows.js";
import { schemas } from "./schemas.js";
import { semantics } from "./semantics.js";
import { sessions } from "./sessions.js";
import { tableOperations } from "./table-operations.js";
import { tableReads } from "./table-reads.js";
import { tables } from "./tables.js";
import { views } from "./views.js";

export { type Access, access } from "./access.js";
export type { App } from "./app.js";
export { etag, knownTag } from "./conditions.js";
export * from "./media-types.js";
export { sendAcceptance } from "./queries.js";

export const resources: readonly ((app: App) => void)[] = [
  cache,
  contracts,
  functions,
  gates,
  health,
  metrics,
  parameterTables,
  pipelines,
  pipelineOutputs,
  pipelineRuns,
  profiles,
  quarantine,
  queries,
  query,
  registries,
  rows,
  schemas,
  semantics,
  sessions,
  tableOperations,
  tables,
  tableReads,
  views,
];
