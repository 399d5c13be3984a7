/** The profiles that come with the service; nobody changes them. */
import type { SessionProfile } from "../schemas/generated/index.js";
import { ImmutableRegistry } from "./registry.js";

export const presets = ImmutableRegistry.from<string, SessionProfile>([
  ["default", {}],
  [
    "high-throughput",
    {
      execution: { batch_size: 32_768, parquet: { pushdown_filters: true } },
      joins: { broadcast_bytes: 16 * 1024 * 1024 },
    },
  ],
  [
    "low-memory",
    {
      execution: { target_partitions: 1, batch_size: 1024 },
      memory: { limit_bytes: 64 * 1024 * 1024, pool: "fair" },
      joins: { broadcast_bytes: 0 },
    },
  ],
  [
    "strict",
    {
      catalog: { information_schema: false },
      sql: { policy: "restricted" },
      functions: { policy: "strict" },
      schema_validation: "enforce",
      delta: { protocol_mode: "error" },
    },
  ],
]);
