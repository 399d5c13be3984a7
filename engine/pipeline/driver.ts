/** A pipeline that is ready to run: its nodes in their order, what they are kept under, and how they are run. */
import type { RunSource, TablePin, ViewSpec } from "../../schemas/generated/index.js";
import { DataFusionEngineError } from "../data-fusion-engine-error.js";
import { configFingerprint } from "../fingerprint.js";
import { hashMsgpackCanonical } from "../hashing.js";
import { ImmutableRegistry } from "../registry.js";
import { aroundRun, aroundStep, type DriverAdapter, type RunFacts, type StepOutcome } from "./adapter.js";
import type { DriverConfig } from "./driver-config.js";
import type { DriverNode } from "./driver-node.js";
import type { GraphAdapter, NodeRows } from "./graph-adapter.js";
import { kindOfMaterializer, type Materializers, type Written } from "./materializer.js";
import type { PlannedNodes } from "./planned-nodes.js";
import { type Needs, needsOf, type Output } from "./run-needs.js";
import { runSchedule } from "./schedule.js";
import { type RunStep, stepsOf } from "./steps.js";

export interface DriverParts extends PlannedNodes {
  readonly config: DriverConfig;
  readonly graphAdapter: GraphAdapter | undefined;
  readonly materializers: Materializers;
  readonly adapters: readonly DriverAdapter[];
}

/** Who is told how a run goes, and remembers what it writes. */
export interface RunObserver {
  began(node: DriverNode): void;
  /** Its rows are there, or nothing needs them. */
  hasRows(node: DriverNode, cache: "hit" | "miss" | "skipped", outcome: Partial<StepOutcome & NodeRows>): void;
  hasOutput(node: DriverNode, output: Output, isNew: boolean): Promise<void>;
  ended(node: DriverNode): void;
  skipped(node: DriverNode): void;
  failed(node: DriverNode, error: unknown): void;
  /** What was written of a node last. */
  lastOutput(node: DriverNode): Output | undefined;
}

export interface RunTerms extends RunFacts {
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

/** Rows of a check that are shown. */
const shownRows = 5;

export class Driver {
  readonly #parts: DriverParts;
  readonly #nodes: ImmutableRegistry<string, DriverNode>;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#nodes = ImmutableRegistry.from(parts.nodes.map((node) => [node.name, node] as const));
  }

  /** Each after those that it depends on. */
  get nodes(): readonly DriverNode[] {
    return this.#parts.nodes;
  }

  get graph() {
    return this.#parts.graph;
  }

  get config(): DriverConfig {
    return this.#parts.config;
  }

  /** The values of the parameters that its nodes take. */
  get parameters(): Readonly<Record<string, unknown>> {
    return this.#parts.parameters;
  }

  /** The versions that all nodes read. */
  get sources(): RunSource[] {
    return this.#parts.sources.map(({ name, version, uri }) => ({ name, version, uri }));
  }

  /** The definitions of views that all nodes read. */
  get views(): Readonly<Record<string, ViewSpec>> {
    return this.#parts.views;
  }

  /** Equal where two are made of the same nodes and settings, whatever they read. */
  get fingerprint(): string {
    const nodes = this.nodes.map(({ definition, values }) => ({ definition, values }));
    return hashMsgpackCanonical({ nodes, config: configFingerprint(this.config) });
  }

  /** Runs all nodes; whether each came to its end. What failed stops only what depends on it. */
  run(terms: RunTerms): Promise<boolean> {
    return aroundRun(this.#parts.adapters, terms, () => this.#run(terms));
  }

  /** Looks which rows still are kept whole. */
  async look(): Promise<void> {
    for (const { key } of this.nodes) await this.#adapter().find(key);
  }

  async #run(terms: RunTerms): Promise<boolean> {
    const adapter = this.#adapter();
    const { context, graph, config } = this.#parts;
    const needs = await needsOf(this.nodes, {
      has: (key) => adapter.has(key),
      output: (node) => this.#stillRight(node, terms),
      targets: context.targets ?? [],
    });
    const steps = stepsOf(this.nodes, graph);
    let isWhole = true;
    const work = async (id: string) => {
      const step = steps.byId.get(id) as RunStep;
      const isDone = await this.#step(step, needs, terms);
      isWhole &&= isDone;
      return isDone;
    };
    const skip = (id: string) => {
      const { node, action } = steps.byId.get(id) as RunStep;
      if (action !== "release") terms.observer.skipped(node);
    };
    await runSchedule(steps.graph, config.maxParallel, work, skip);
    for (const { isOfRun, key } of this.nodes) if (isOfRun && isWhole) adapter.forget(key);
    return isWhole;
  }

  async #step({ node, action }: RunStep, needs: Needs, terms: RunTerms): Promise<boolean> {
    if (action === "release") return true;
    const { observer, signal } = terms;
    try {
      signal.throwIfAborted();
      if (action === "compute") await this.#compute(node, needs, terms);
      else await this.#write(node, needs, terms);
      if (action === "write" || node.definition.materialize === undefined) observer.ended(node);
      return true;
    } catch (error) {
      observer.failed(node, error);
      return false;
    }
  }

  async #compute(node: DriverNode, needs: Needs, terms: RunTerms): Promise<void> {
    const way = needs.rows.get(node.name);
    const { observer } = terms;
    observer.began(node);
    if (way === "none") return observer.hasRows(node, "skipped", {});
    let isHit = way === "find";
    const step = { run: terms, node, action: "compute" } as const;
    let rows: NodeRows | undefined;
    const outcome = await aroundStep(this.#parts.adapters, step, async () => {
      rows = isHit ? await this.#adapter().find(node.key) : undefined;
      isHit = rows !== undefined;
      rows ??= await this.#query(node, terms);
      const offending = node.kind === "check" && rows.rows > 0 && (await this.#adapter().sample(node.key, shownRows));
      return { rows: rows.rows, schema: rows.schema, ...(offending && { offending }) };
    });
    observer.hasRows(node, isHit ? "hit" : "miss", { ...rows, ...outcome });
  }

  #query(node: DriverNode, { id, pipeline, signal }: RunTerms): Promise<NodeRows> {
    const { context, config } = this.#parts;
    const below = this.#below(node);
    const adapter = this.#adapter();
    const kept = below.filter(({ isInlined }) => !isInlined);
    const inlined = below.filter(({ isInlined }) => isInlined);
    const planned = [node, ...inlined];
    return adapter.compute({
      run: { id, pipeline },
      node: node.name,
      sql: node.sql,
      parameters: node.values,
      key: node.key,
      kept: { ...context.kept, ...Object.fromEntries(kept.map(({ name, key }) => [name, adapter.relation(key)])) },
      views: {
        ...this.#views(planned.flatMap(({ views }) => views)),
        ...Object.fromEntries(inlined.map((read) => [read.name, viewOf(read)])),
      },
      own: below.map(({ name }) => name),
      pins: this.#pins(planned.flatMap(({ tables }) => tables)),
      gate: context.gate ?? null,
      timeoutMs: config.timeoutMs,
      caller: context.caller,
      signal,
    });
  }

  /** The nodes that a node reads, also through those that are planned into it. */
  #below(node: DriverNode): DriverNode[] {
    const found = new Set<DriverNode>();
    const open = [node];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const name of next.reads) {
        const read = this.#nodes.get(name);
        if (read === undefined || found.has(read)) continue;
        found.add(read);
        if (read.isInlined) open.push(read);
      }
    }
    return [...found];
  }

  #pins(tables: readonly string[]): Record<string, TablePin> {
    const read = this.sources.filter(({ name }) => tables.includes(name));
    return Object.fromEntries(read.map(({ name, version }) => [name, { version }]));
  }

  #views(names: readonly string[]): Record<string, ViewSpec> {
    const { views } = this.#parts;
    return Object.fromEntries(names.flatMap((name) => (views[name] ? [[name, views[name]]] : [])));
  }

  async #write(node: DriverNode, needs: Needs, terms: RunTerms): Promise<void> {
    const { observer, id, pipeline, signal } = terms;
    const known = needs.unchanged.get(node.name);
    if (known !== undefined) return observer.hasOutput(node, known, known.run_id === id);
    const { materialize: to } = node.definition;
    const materializer = to && this.#parts.materializers[kindOfMaterializer(to)];
    if (to === undefined || materializer === undefined) throw noMaterializer(node.name);
    const { key, name, fields } = node;
    const relation = this.#adapter().relation(key);
    const work = { run: { id, pipeline }, node: name, to, key, relation, fields, sources: this.sources, signal };
    let written: Written = {};
    await aroundStep(this.#parts.adapters, { run: terms, node, action: "write" }, async () => {
      written = await materializer.write(work);
      return (await this.#adapter().find(key)) ?? { rows: 0, schema: { fields: [] } };
    });
    await observer.hasOutput(node, { ...written, fingerprint: outputFingerprint(node), run_id: id }, true);
  }

  /** What was written of a node, unless it is to be written again. */
  async #stillRight(node: DriverNode, { id, observer }: RunTerms): Promise<Output | undefined> {
    const output = observer.lastOutput(node);
    const to = node.definition.materialize;
    if (output === undefined || to === undefined || output.fingerprint !== outputFingerprint(node)) return undefined;
    const isOld = output.run_id !== id;
    if (isOld && (node.cache === "recompute" || node.cache === "disable")) return undefined;
    const isThere = await this.#parts.materializers[kindOfMaterializer(to)]?.isThere(output);
    return isThere ? output : undefined;
  }

  #adapter(): GraphAdapter {
    const { graphAdapter } = this.#parts;
    if (graphAdapter !== undefined) return graphAdapter;
    throw new DataFusionEngineError("A driver without a graph adapter runs nothing.", { code: "internal" });
  }
}

function viewOf({ sql, values }: DriverNode): ViewSpec {
  const parameters = Object.entries(values).map(([name, { type, value }]) => [name, { type, default: value }]);
  return { sql, parameters: Object.fromEntries(parameters) };
}

function outputFingerprint({ key, definition }: DriverNode): string {
  return hashMsgpackCanonical({ key, materialize: definition.materialize ?? null });
}

function noMaterializer(node: string): DataFusionEngineError {
  const message = `The driver has nothing that writes the node ${node}.`;
  return new DataFusionEngineError(message, { code: "not_implemented", details: { node } });
}
