/** A run as answers show it. */
import type { PipelineRun, RunAcceptance, RunEntry, RunRequest } from "../../schemas/generated/index.js";
import type { Driver } from "./driver.js";
import { pendingNodes } from "./recording.js";

export function pendingRun(run_id: string, pipeline: string, driver: Driver, { targets }: RunRequest): PipelineRun {
  return {
    run_id,
    pipeline,
    status: "PENDING",
    created_at: new Date().toISOString(),
    changed: false,
    fingerprint: driver.fingerprint,
    mode: driver.config.mode,
    attempts: 0,
    parameters: { ...driver.parameters },
    ...(targets && { targets }),
    sources: driver.sources,
    nodes: pendingNodes(driver),
  };
}

export function accepted({ run_id, pipeline, status }: PipelineRun): RunAcceptance {
  const status_url = `/v1/pipelines/${pipeline}/runs/${run_id}`;
  return { run_id, status, status_url, events_url: `${status_url}/events` };
}

export function entryOf({
  run_id,
  pipeline,
  status,
  created_at,
  started_at,
  finished_at,
  changed,
}: PipelineRun): RunEntry {
  const times = { ...(started_at && { started_at }), ...(finished_at && { finished_at }) };
  return { run_id, pipeline, status, created_at, ...times, changed };
}
