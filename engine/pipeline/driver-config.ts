/** How a driver runs its nodes, with every default filled in. */
import type { ExecutionMode, NodeCache, PipelineConfig } from "../../schemas/generated/index.js";
import { DataFusionEngineError } from "../data-fusion-engine-error.js";
import type { FingerprintableConfig } from "../fingerprint.js";

export interface Execution {
  readonly mode?: ExecutionMode | undefined;
  readonly max_parallel?: number | undefined;
}

export class DriverConfig implements FingerprintableConfig {
  readonly mode: ExecutionMode;
  /** The most nodes that run together. */
  readonly maxParallel: number;
  readonly timeoutMs: number | undefined;
  /** In the place of what each node says. */
  readonly cache: NodeCache | undefined;

  constructor(config: PipelineConfig, execution: Execution, cache: NodeCache | undefined) {
    this.mode = execution.mode ?? config.mode ?? "plan_parallel";
    if (this.mode === "plan_parallel_remote") throw noCluster();
    this.maxParallel =
      this.mode === "deterministic_serial" ? 1 : (execution.max_parallel ?? config.max_parallel ?? defaultParallel);
    this.timeoutMs = config.timeout_ms;
    this.cache = cache;
  }

  fingerprintPayload(): Record<string, unknown> {
    const { mode, maxParallel, timeoutMs = null, cache = null } = this;
    return { mode, max_parallel: maxParallel, timeout_ms: timeoutMs, cache };
  }
}

const defaultParallel = 2;

function noCluster(): DataFusionEngineError {
  const message =
    "This server has no cluster engine to run plan_parallel_remote on. Use plan_parallel, or deterministic_serial.";
  return new DataFusionEngineError(message, { code: "not_implemented", details: { mode: "plan_parallel_remote" } });
}
