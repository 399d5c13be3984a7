/** What runs the nodes of a driver. */
import type {
  DeltaFeatureGate,
  KeptRelation,
  RowSchema,
  TablePin,
  TypedParameter,
  ViewSpec,
} from "../../schemas/generated/index.js";

import type { Caller } from "../caller.js";

export interface NodeWork {
  readonly run: { readonly id: string; readonly pipeline: string };
  readonly node: string;
  readonly sql: string;
  readonly parameters: Readonly<Record<string, TypedParameter>>;
  /** What its rows are to be kept under. */
  readonly key: string;
  /** The kept rows of nodes that it reads. */
  readonly kept: Readonly<Record<string, KeptRelation>>;
  /** The definitions of views that it reads, and of nodes that are planned into it. */
  readonly views: Readonly<Record<string, ViewSpec>>;
  /** Which of these names are those of nodes. */
  readonly own: readonly string[];
  readonly pins: Readonly<Record<string, TablePin>>;
  readonly gate: DeltaFeatureGate | null;
  readonly timeoutMs: number | undefined;
  /** Whose limits it is held to. */
  readonly caller: Caller;
  readonly signal: AbortSignal;
}

export interface NodeRows {
  readonly rows: number;
  readonly schema: RowSchema;
  readonly queryId?: string;
}

export interface GraphAdapter {
  /** Computes rows and keeps them. */
  compute(work: NodeWork): Promise<NodeRows>;
  /** What is kept under a key; undefined where nothing is. */
  find(key: string): Promise<NodeRows | undefined>;
  has(key: string): boolean;
  relation(key: string): KeptRelation;
  /** The first rows of what is kept, as objects. */
  sample(key: string, limit: number): Promise<Record<string, unknown>[]>;
  /** Forgets rows that only one run could use. */
  forget(key: string): void;
}
