/** Notes in the record of a run what its driver tells. */
import type { RunNode } from "../../schemas/generated/index.js";
import { queryFailure } from "../query-failure.js";
import type { Driver, RunObserver } from "./driver.js";
import type { DriverNode } from "./driver-node.js";
import type { PipelineOutputs } from "./pipeline-outputs.js";
import type { RunRecord } from "./run-record.js";

export class Recording implements RunObserver {
  readonly #record: RunRecord;
  readonly #outputs: PipelineOutputs;
  readonly #began = new Map<string, number>();

  constructor(record: RunRecord, outputs: PipelineOutputs) {
    this.#record = record;
    this.#outputs = outputs;
  }

  began({ name }: DriverNode): void {
    this.#began.set(name, performance.now());
    this.#record.changeNode(name, { status: "RUNNING" });
  }

  hasRows(node: DriverNode, cache: "hit" | "miss" | "skipped", found: Parameters<RunObserver["hasRows"]>[2]): void {
    const { rows, schema, queryId, warnings, offending } = found;
    this.#record.changeNode(node.name, {
      cache,
      key: node.key,
      ...(rows !== undefined && { rows }),
      ...(schema && { schema }),
      ...(queryId !== undefined && { query_id: queryId }),
      ...(warnings && { warnings: [...warnings] }),
      ...(offending && { offending }),
    });
  }

  async hasOutput(
    { name }: DriverNode,
    output: Parameters<RunObserver["hasOutput"]>[1],
    isNew: boolean,
  ): Promise<void> {
    const { fingerprint: _, run_id: __, ...written } = output;
    const { pipeline } = this.#record.run;
    if (isNew) await this.#outputs.set(pipeline, name, output);
    const file_url = `/v1/pipelines/${pipeline}/outputs/${name}`;
    this.#record.changeNode(name, { ...written, ...(written.file !== undefined && { file_url }), written: isNew });
  }

  ended({ name }: DriverNode): void {
    this.#record.changeNode(name, { status: "SUCCEEDED", ...this.#seconds(name) });
  }

  skipped({ name }: DriverNode): void {
    if (this.#record.node(name)?.status !== "FAILED") this.#record.changeNode(name, { status: "SKIPPED" });
  }

  failed({ name }: DriverNode, error: unknown): void {
    const failure = queryFailure(error);
    const status = failure.code === "query_canceled" ? "CANCELED" : "FAILED";
    const offending = failure.details?.offending;
    const found = failure.details?.rows;
    this.#record.changeNode(name, {
      status,
      error: failure,
      ...this.#seconds(name),
      ...(Array.isArray(offending) && { offending }),
      ...(typeof found === "number" && { rows: found }),
    });
  }

  lastOutput({ name }: DriverNode) {
    return this.#outputs.get(this.#record.run.pipeline, name);
  }

  #seconds(name: string): Pick<RunNode, "seconds"> {
    const began = this.#began.get(name) ?? performance.now();
    return { seconds: Math.round(performance.now() - began) / 1000 };
  }
}

/** The nodes of a run before any has begun. */
export function pendingNodes(driver: Driver): RunNode[] {
  return driver.nodes.map(({ name, kind }) => ({ name, kind, status: "PENDING" }));
}
