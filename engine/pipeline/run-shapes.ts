/** A run as answers show it. */
import type { PipelineRun, RunAcceptance, RunEntry, RunRequest, RunView } from "../../schemas/generated/index.js";
import { hashMsgpackCanonical } from "../hashing.js";
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
    views: runViews(driver),
    nodes: pendingNodes(driver),
  };
}

export function runViews({ views }: Driver): RunView[] {
  return Object.entries(views).map(([name, spec]) => ({ name, fingerprint: hashMsgpackCanonical(spec) }));
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
