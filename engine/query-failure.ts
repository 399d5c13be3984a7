/** An error as the history and the table list keep it. */
import { errorTable, type QueryFailure } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";

export function queryFailure(error: unknown): QueryFailure {
  if (!(error instanceof DataFusionEngineError) || error.code === "internal") return defect;
  const { kind, code, message, location, details } = error;
  return { kind, code, message, ...(location && { location }), ...(details && { details }) };
}

/** What a defect says may hold a path or worse, so it is only logged. */
const defect: QueryFailure = { kind: "generic", code: "internal", message: errorTable.internal.description };
