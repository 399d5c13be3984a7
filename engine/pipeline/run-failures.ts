/** Why runs end before all of their nodes are done. */
import type { PipelineRun, RunNode } from "../../schemas/generated/index.js";
import { DataFusionEngineError } from "../data-fusion-engine-error.js";

/** The first failure, in the order of the nodes. */
export function failureOf({ nodes }: PipelineRun, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const failed = nodes.find(({ status }) => status === "FAILED");
  const { kind, code = "internal", message = "", details = {} } = failed?.error ?? {};
  return new DataFusionEngineError(`The node ${failed?.name} failed: ${message}`, {
    ...(kind && { kind }),
    code,
    details: { ...details, node: failed?.name },
  });
}

/** What was kept may be damaged, or have had to make room. */
export function hasLostRows({ error }: RunNode): boolean {
  return error?.code === "result_expired";
}

export function canceled(): DataFusionEngineError {
  return new DataFusionEngineError("The run was canceled.", { code: "query_canceled" });
}

export function stopped(): DataFusionEngineError {
  return new DataFusionEngineError("The service is shutting down.", { code: "service_unavailable" });
}

export function interrupted(attempts: number): DataFusionEngineError {
  const message = `The service has stopped ${attempts} times while this run was under way.`;
  return new DataFusionEngineError(message, { code: "run_interrupted" });
}

export function notRetryable({ run_id, status }: PipelineRun): DataFusionEngineError {
  return new DataFusionEngineError(`The run ${run_id} is ${status}.`, { code: "run_not_retryable" });
}
