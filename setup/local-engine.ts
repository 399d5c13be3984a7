/** An engine without a server: for the demo, the benchmarks and the tests. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Engine, openEngine } from "../engine/index.js";
import type { EngineConfig } from "../schemas/generated/index.js";

const silent = { info() {}, warn() {} };

/** Gives `work` an engine over the folder, which is made when it is missing, and over what `allowed` adds. */
export async function withEngine<Result>(
  warehouse: string,
  work: (engine: Engine) => Promise<Result>,
  allowed: Pick<EngineConfig, "locations" | "s3_endpoints"> = {},
): Promise<Result> {
  mkdirSync(warehouse, { recursive: true });
  const state = mkdtempSync(join(tmpdir(), "lakegate-engine-"));
  const config = {
    warehouse,
    ...allowed,
    spill_folder: join(state, "spill"),
    memory_limit_bytes: 2 ** 31,
    query_memory_bytes: 2 ** 31,
    resident_limit_bytes: 2 ** 33,
    spill_limit_bytes: 2 ** 34,
    snapshot_cache_bytes: 2 ** 28,
    view_memory_bytes: 2 ** 28,
    limits: {
      sql_bytes: 2 ** 20,
      sql_tokens: 50_000,
      sql_depth: 64,
      sql_chain: 512,
      parameters: 1000,
      planning_timeout_ms: 60_000,
      timeout_ms: 3_600_000,
      result_rows: 1e9,
      result_bytes: 2 ** 40,
    },
  };
  const results = { diskBytes: 0, memoryBytes: 0, ttlMs: 0 };
  const admission = { running: 8, runningOfCaller: 8, waiting: 100, waitingOfCaller: 100, waitMs: 60_000 };
  const room = { reserveBytes: 0, entries: 10, sessions: 1, history: 1, runs: 1 };
  const engine = await openEngine({ config, state, ...room, results, admission }, silent);
  try {
    return await work(engine);
  } finally {
    engine.close();
    rmSync(state, { recursive: true, force: true });
  }
}
