/** What the rows of each node depend on, and what they are kept under. */
import type { NodeCache, NodePlan, QueryIdentity, TypedParameter } from "../../schemas/generated/index.js";
import { CacheKeyBuilder } from "../hashing.js";
import { MutableRegistry } from "../registry.js";
import { resultKey, type StorageOptions } from "../result-key.js";
import type { DriverNode, ReadNode } from "./driver-node.js";

export interface KeyContext {
  readonly storageOptions: StorageOptions;
  /** Tells rows that no other run can use from those of other runs; absent where nothing is run, and needs no keys. */
  readonly runId: string | undefined;
  readonly cacheOf: (node: ReadNode) => NodeCache;
  readonly valuesOf: (node: ReadNode) => Record<string, TypedParameter>;
  /** Whether rows of the node are wanted by themselves. */
  readonly isWanted: (node: ReadNode) => boolean;
}

export class NodeKeys {
  readonly #context: KeyContext;
  readonly #nodes = new MutableRegistry<string, DriverNode>();
  readonly #volatile = new Set<string>();

  constructor(context: KeyContext) {
    this.#context = context;
  }

  /** Takes the nodes in their order. */
  add(node: ReadNode, plan: NodePlan, identity: QueryIdentity): DriverNode {
    const { cacheOf, valuesOf, isWanted } = this.#context;
    const cache = cacheOf(node);
    const values = valuesOf(node);
    const isInlined = cache === "disable" && !isWanted(node);
    const own = this.#identity(node, identity, values);
    const isOfRun = this.#isVolatile(node, identity, isInlined) || (cache === "disable" && !isInlined);
    const made = {
      ...node,
      sql: plan.sql,
      columns: plan.columns ?? [],
      fields: plan.fields ?? [],
      values,
      cache,
      tables: identity.sources.map(({ name }) => name),
      views: Object.keys(identity.views ?? {}),
      identity: own,
      key: isOfRun ? this.#keyOfRun(node.name) : own,
      isOfRun,
      isInlined,
    };
    this.#nodes.register(node.name, made);
    return made;
  }

  #identity(node: ReadNode, identity: QueryIdentity, values: Record<string, TypedParameter>): string {
    if (this.#context.runId === undefined) return "";
    const below = node.reads.map((name) => [name, this.#seenBy(name)]);
    const all = { ...identity, values: { ...identity.values, ...Object.fromEntries(below) } };
    return resultKey(all, values, this.#context.storageOptions);
  }

  /** How a node tells its readers that they are to be computed again. */
  #seenBy(name: string): string {
    const node = this.#nodes.get(name);
    if (node === undefined || node.cache === "ignore") return "ignored";
    return this.#volatile.has(name) ? node.key : node.identity;
  }

  #isVolatile(node: ReadNode, { volatile }: QueryIdentity, isInlined: boolean): boolean {
    const readsVolatile = node.reads.some((name) => this.#volatile.has(name) && this.#nodes.get(name)?.isInlined);
    const isVolatile = volatile != null || readsVolatile;
    if (isVolatile) this.#volatile.add(node.name);
    return isVolatile && !isInlined;
  }

  #keyOfRun(node: string): string {
    const { runId } = this.#context;
    return runId === undefined ? "" : new CacheKeyBuilder("run").add("run", runId).add("node", node).build();
  }
}
