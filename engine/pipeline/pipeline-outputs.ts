/** What was written last of each node of each pipeline. */
import type { DocumentStore } from "../document-store.js";
import { MutableRegistry } from "../registry.js";
import { Turns } from "../turns.js";
import type { Output } from "./run-needs.js";

export interface StoredOutputs {
  readonly pipeline: string;
  /** By the names of nodes. */
  readonly nodes: Readonly<Record<string, Output>>;
}

export class PipelineOutputs {
  readonly #store: DocumentStore<StoredOutputs>;
  readonly #outputs = new MutableRegistry<string, StoredOutputs>();
  readonly #turns = new Turns();

  constructor(store: DocumentStore<StoredOutputs>) {
    this.#store = store;
  }

  async load(): Promise<void> {
    for (const stored of await this.#store.load()) this.#outputs.register(stored.pipeline, stored);
  }

  get(pipeline: string, node: string): Output | undefined {
    return this.#outputs.get(pipeline)?.nodes[node];
  }

  set(pipeline: string, node: string, output: Output): Promise<void> {
    return this.#turns.run(async () => {
      const nodes = { ...this.#outputs.get(pipeline)?.nodes, [node]: output };
      await this.#store.save(pipeline, { pipeline, nodes });
      this.#outputs.register(pipeline, { pipeline, nodes }, { overwrite: true });
    });
  }

  forget(pipeline: string): Promise<void> {
    return this.#turns.run(async () => {
      await this.#store.remove(pipeline);
      this.#outputs.unregister(pipeline);
    });
  }
}
