/** Pipelines: modules of nodes, planned when they are registered, run when they are asked to. */
import { setImmediate as letOthersGo } from "node:timers/promises";
import type {
  GraphSelection,
  PageSelection,
  PipelineDefinition,
  PipelineDescription,
  PipelineEntry,
  PipelineGraph,
  PipelineList,
  PipelineModule,
  PipelineNode,
  PipelineNodeInfo,
  RunRequest,
} from "../schemas/generated/index.js";
import { type Caller, everybody, requireScope, requireVisible, visibleEntries } from "./caller.js";
import type { Condition } from "./condition.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { DocumentRegistry, type Entry } from "./document-registry.js";
import type { DocumentStore } from "./document-store.js";
import { hashMsgpackCanonical } from "./hashing.js";
import type { NativeSession } from "./native.js";
import type { ParameterTables } from "./parameter-tables.js";
import type { DriverAdapter } from "./pipeline/adapter.js";
import type { Driver } from "./pipeline/driver.js";
import { DriverBuilder, type PlanContext } from "./pipeline/driver-builder.js";
import type { GraphAdapter } from "./pipeline/graph-adapter.js";
import { graphviz, mermaid } from "./pipeline/graph-text.js";
import { lineageGraph, part } from "./pipeline/lineage-graph.js";
import type { Materializers } from "./pipeline/materializer.js";
import { rowLimits } from "./pipeline/row-limits.js";
import type { RunPlan } from "./pipeline-runs.js";
import type { StorageOptions } from "./result-key.js";
import type { Turns } from "./turns.js";

/** A pipeline as it is kept on disk, with what its planning said. */
export interface StoredPipeline {
  readonly definition: PipelineDefinition;
  readonly nodes: PipelineNodeInfo[];
  readonly graph: PipelineGraph;
  readonly fingerprint: string;
}

export interface DescribedPipeline {
  readonly description: PipelineDescription;
  readonly revision: string;
}

export interface PipelinesParts {
  /** The session of one who names none. */
  readonly sessionOf: (caller: Caller) => NativeSession;
  readonly store: DocumentStore<Entry<StoredPipeline>>;
  readonly turns: Turns;
  readonly storageOptions: StorageOptions;
  readonly parameterTables: ParameterTables;
  /** What a view reads; undefined for what is none. */
  readonly belowView: (name: string) => readonly string[] | undefined;
  readonly graphAdapter: GraphAdapter;
  readonly materializers: Materializers;
  readonly adapters: readonly DriverAdapter[];
  /** The runs of a pipeline that are under way. */
  readonly active: (name: string) => readonly string[];
  /** Forgets the runs of a pipeline. */
  readonly removed: (name: string) => Promise<void>;
}

/** What a driver is planned over; for everybody, unless it says for whom. */
type BuilderContext = Partial<Omit<PlanContext, "session" | "storageOptions">>;

export class Pipelines {
  readonly registry: DocumentRegistry<StoredPipeline>;
  readonly #parts: PipelinesParts;

  constructor(parts: PipelinesParts) {
    this.#parts = parts;
    this.registry = new DocumentRegistry(
      { noun: "pipeline", notFound: "pipeline_not_found" },
      parts.store,
      parts.turns,
    );
  }

  list(selection: PageSelection, caller: Caller): PipelineList {
    const shown = (entries: Entry<StoredPipeline>[]) => visibleEntries(caller, entries, ({ name }) => [name]);
    const { items, next_cursor } = this.registry.list(selection, shown);
    return { items: items.map(entryOf), next_cursor };
  }

  get(name: string): DescribedPipeline {
    const entry = this.registry.entry(name);
    const { definition, nodes } = entry.value;
    const { modules, config = {} } = definition;
    return { description: { ...entryOf(entry), modules, config, nodes }, revision: entry.revision };
  }

  /** Registers the pipeline once all of it is planned; says whether there was none. */
  async put(
    name: string,
    definition: PipelineDefinition,
    condition: Condition,
  ): Promise<DescribedPipeline & { created: boolean }> {
    const { created } = await this.registry.put(name, () => this.#planned(definition), condition);
    return { ...this.get(name), created };
  }

  /** Forgets the pipeline and its runs, unless one is under way. */
  async remove(name: string, condition: Condition): Promise<void> {
    await this.registry.remove(name, condition, () => refuseActive(name, this.#parts.active(name)));
    await this.#parts.removed(name);
  }

  /** What depends on what, or the part of it that is selected. */
  graph(name: string, { upstream_of, downstream_of }: Omit<GraphSelection, "format">): PipelineGraph {
    return part(this.registry.entry(name).value.graph, upstream_of, downstream_of);
  }

  /** The graph as a text that draws it. */
  drawing(name: string, selection: Omit<GraphSelection, "format">, format: "mermaid" | "graphviz"): string {
    const graph = this.graph(name, selection);
    return format === "mermaid" ? mermaid(graph) : graphviz(graph);
  }

  /** The driver of a run, which reads and writes what its caller may name, within the caller's limits. */
  async driver({ runId, definition, request, views, caller }: RunPlan): Promise<Driver> {
    const { mode, max_parallel, parameters = {}, tables: pins = {}, targets, gate = null, cache } = request;
    const { kept } = await this.#parts.parameterTables.given({}, everybody);
    const own = overridden(definition, request);
    if (own !== undefined) requireScope(caller, "read");
    const driver = await this.builder({ caller, runId, parameters, pins, views, targets, gate, kept })
      .withModules(...definition.modules, ...(own ? [own] : []))
      .withConfig(definition.config ?? {})
      .withExecution({ mode, max_parallel })
      .withCache(cache)
      .withAdapters(rowLimits(caller))
      .build();
    for (const { definition } of driver.nodes) {
      const { table } = definition.materialize ?? {};
      if (table !== undefined) requireVisible(caller, table, "table_not_found");
    }
    return driver;
  }

  /** A builder of drivers that run on this engine. */
  builder({ caller = everybody, ...context }: BuilderContext): DriverBuilder {
    const { sessionOf, storageOptions, graphAdapter, materializers, adapters } = this.#parts;
    return new DriverBuilder({ session: sessionOf(caller), storageOptions, caller, ...context })
      .withGraphAdapter(graphAdapter)
      .withMaterializers(materializers)
      .withAdapters(...adapters);
  }

  get size(): number {
    return this.registry.size;
  }

  fingerprint(): string {
    return this.registry.fingerprint();
  }

  /** The SQL of their nodes, by what the pipelines are called. */
  texts(): [string, string][] {
    return this.definitions().flatMap(([name, { modules }]) => {
      const texts = modules.flatMap(({ nodes }) => nodes.flatMap(textsOf));
      return texts.map((sql): [string, string] => [`pipelines/${name}`, sql]);
    });
  }

  definitions(): [string, PipelineDefinition][] {
    return this.registry.values().map(([name, { definition }]) => [name, definition]);
  }

  async #planned(definition: PipelineDefinition): Promise<StoredPipeline> {
    const { kept } = await this.#parts.parameterTables.given({}, everybody);
    const driver = await this.builder({ kept })
      .withModules(...definition.modules)
      .withConfig(definition.config ?? {})
      .build();
    await letOthersGo();
    return {
      definition,
      nodes: infoOf(definition, driver),
      graph: lineageGraph(driver, this.#parts.belowView),
      fingerprint: hashMsgpackCanonical(definition),
    };
  }
}

function textsOf({ sql, expressions, check }: PipelineNode): string[] {
  const { columns = {}, filter } = expressions ?? {};
  const texts = [sql, filter, check?.sql, ...Object.values(columns), ...Object.values(check?.rows ?? {})];
  return texts.filter((text) => text !== undefined);
}

/** The module of a run; no other has a space in its name. */
const ofRun = "overrides of the run";

/** What a run puts in the place of nodes, as its last module. */
function overridden({ modules }: PipelineDefinition, { overrides = {} }: RunRequest): PipelineModule | undefined {
  const known = new Map(modules.flatMap(({ nodes }) => nodes.map((node) => [node.name, node] as const)));
  const nodes = Object.entries(overrides).map(([name, override]): PipelineNode => {
    const {
      sql: _,
      table: __,
      pin: ___,
      expressions: ____,
      parameter,
      check,
      ...rest
    } = known.get(name) ?? noNode(name);
    if (parameter === undefined && check === undefined) return { ...rest, ...override };
    const message = `The node ${name} is a ${parameter ? "parameter" : "check"}: no rows take its place.`;
    throw new DataFusionEngineError(message, { code: "invalid_request", details: { pointer: `/overrides/${name}` } });
  });
  return nodes.length === 0 ? undefined : { name: ofRun, nodes };
}

function noNode(name: string): never {
  throw new DataFusionEngineError(`The pipeline has no node ${name}.`, {
    code: "invalid_request",
    details: { pointer: `/overrides/${name}`, node: name },
  });
}

function entryOf({ name, value, registered_at }: Entry<StoredPipeline>): PipelineEntry {
  const { description } = value.definition;
  return {
    name,
    ...(description !== undefined && { description }),
    node_count: value.nodes.length,
    fingerprint: value.fingerprint,
    registered_at,
  };
}

function infoOf({ modules }: PipelineDefinition, driver: Driver): PipelineNodeInfo[] {
  const planned = new Map(driver.nodes.map((node) => [node.name, node]));
  const parameters = new Map(
    modules.flatMap((module) =>
      module.nodes.filter((node) => node.parameter).map((node) => [node.name, { module: module.name, node }] as const),
    ),
  );
  return driver.graph.order().flatMap((name): PipelineNodeInfo[] => {
    const node = planned.get(name);
    const dependencies = driver.graph.dependencies(name).sort();
    if (node !== undefined) {
      const { kind, module, sources, fields, definition } = node;
      const rest = { sources: [...sources], columns: [...fields], tags: definition.tags ?? [] };
      return [{ name, kind, module, dependencies, ...rest }];
    }
    const parameter = parameters.get(name);
    if (parameter === undefined) return [];
    const tags = parameter.node.tags ?? [];
    return [{ name, kind: "parameter", module: parameter.module, dependencies, sources: [], columns: [], tags }];
  });
}

function refuseActive(name: string, active: readonly string[]): void {
  if (active.length === 0) return;
  throw new DataFusionEngineError(`The pipeline ${name} has runs under way; cancel them first.`, {
    code: "entry_in_use",
    details: { runs: active },
  });
}
