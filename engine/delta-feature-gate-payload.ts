/** The one helper that makes the payload of a gate. */
import type { DeltaFeatureGate } from "../schemas/generated/index.js";

/** The gate as the engine takes it: every field filled in, every feature once; null where there is no gate. */
export function deltaFeatureGatePayload(gate: DeltaFeatureGate | null | undefined): Required<DeltaFeatureGate> | null {
  if (gate === null || gate === undefined) return null;
  return {
    min_reader_version: gate.min_reader_version ?? null,
    min_writer_version: gate.min_writer_version ?? null,
    required_reader_features: unique(gate.required_reader_features),
    required_writer_features: unique(gate.required_writer_features),
  };
}

function unique(features: readonly string[] = []): string[] {
  return [...new Set(features)];
}
