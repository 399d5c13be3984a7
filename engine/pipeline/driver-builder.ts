/** Builds the driver of a pipeline: modules, configuration, execution, graph adapter, cache, materializers and adapters, always in this order. */
import type {
  DeltaFeatureGate,
  KeptRelation,
  NodeCache,
  PipelineConfig,
  PipelineModule,
  TablePin,
  ViewSpec,
} from "../../schemas/generated/index.js";
import type { Caller } from "../caller.js";
import type { NativeSession } from "../native.js";
import type { StorageOptions } from "../result-key.js";
import type { DriverAdapter } from "./adapter.js";
import { Driver } from "./driver.js";
import { DriverConfig, type Execution } from "./driver-config.js";
import { Faults } from "./faults.js";
import type { GraphAdapter } from "./graph-adapter.js";
import type { Materializers } from "./materializer.js";
import { mergeModules } from "./placed-node.js";
import { planNodes } from "./planned-nodes.js";
import { readNodes } from "./read-nodes.js";

/** What a driver is planned over. */
export interface PlanContext {
  readonly session: NativeSession;
  readonly storageOptions: StorageOptions;
  /** Whose limits the nodes are held to. */
  readonly caller: Caller;
  /** The run that the driver is for; none where it is only planned. */
  readonly runId?: string;
  /** The versions of tables; the newest where there is none. */
  readonly pins?: Readonly<Record<string, TablePin>>;
  /** The definitions of views; as they are registered where there is none. */
  readonly views?: Readonly<Record<string, ViewSpec>>;
  readonly gate?: DeltaFeatureGate | null;
  /** Values of parameter tables. */
  readonly kept?: Readonly<Record<string, KeptRelation>>;
  /** Values of the pipeline's parameters. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** The nodes that are wanted; all where there are none. */
  readonly targets?: readonly string[] | undefined;
}

export class DriverBuilder {
  readonly #context: PlanContext;
  #modules: PipelineModule[] = [];
  #config: PipelineConfig = {};
  #execution: Execution = {};
  #graphAdapter: GraphAdapter | undefined;
  #cache: NodeCache | undefined;
  #materializers: Materializers = {};
  #adapters: DriverAdapter[] = [];

  constructor(context: PlanContext) {
    this.#context = context;
  }

  /** Adds modules; a node of a later one takes the place of an earlier one's that lets it. */
  withModules(...modules: readonly PipelineModule[]): this {
    this.#modules.push(...modules);
    return this;
  }

  withConfig(config: PipelineConfig): this {
    this.#config = config;
    return this;
  }

  withExecution(execution: Execution): this {
    this.#execution = execution;
    return this;
  }

  /** Says what runs nodes; without it the driver is only planned. */
  withGraphAdapter(adapter: GraphAdapter): this {
    this.#graphAdapter = adapter;
    return this;
  }

  /** Says what holds for all nodes, in the place of what they say. */
  withCache(cache: NodeCache | undefined): this {
    this.#cache = cache;
    return this;
  }

  withMaterializers(materializers: Materializers): this {
    this.#materializers = materializers;
    return this;
  }

  /** Adds what watches the work; the first is the outermost. */
  withAdapters(...adapters: readonly DriverAdapter[]): this {
    this.#adapters.push(...adapters);
    return this;
  }

  /** Refuses a pipeline that is wrong, with every fault. */
  async build(): Promise<Driver> {
    const faults = new Faults();
    const read = await readNodes(this.#context.session, mergeModules(this.#modules, faults), faults);
    const config = new DriverConfig(this.#config, this.#execution, this.#cache);
    const planned = await planNodes(this.#context, read, config, faults);
    faults.refuse();
    return new Driver({
      ...planned,
      config,
      graphAdapter: this.#graphAdapter,
      materializers: this.#materializers,
      adapters: this.#adapters,
    });
  }
}
