/** What writes the rows of a node to where others find them. */
import type { FieldSpec, KeptRelation, NodeMaterializer, RunSource } from "../../schemas/generated/index.js";
import type { RunFacts } from "./adapter.js";

export interface WriteWork {
  readonly run: RunFacts;
  readonly node: string;
  readonly to: NodeMaterializer;
  /** What the rows are kept under. */
  readonly key: string;
  readonly relation: KeptRelation;
  readonly fields: readonly FieldSpec[];
  readonly sources: readonly RunSource[];
  readonly signal: AbortSignal;
}

export interface Written {
  readonly table?: string;
  readonly file?: string;
  readonly version?: number;
}

export interface Materializer {
  /** Writes rows once, however often a run asks for it. */
  write(work: WriteWork): Promise<Written>;
  /** Whether what was written is still there. */
  isThere(written: Written): Promise<boolean>;
}

export interface Materializers {
  readonly table?: Materializer;
  readonly file?: Materializer;
}

export function kindOfMaterializer(to: NodeMaterializer): keyof Materializers {
  return to.table === undefined ? "file" : "table";
}
