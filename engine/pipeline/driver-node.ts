/** A node of a driver: what it is, what it depends on, and what its rows are kept under. */
import type { ColumnLineage, FieldSpec, NodeCache, TypedParameter } from "../../schemas/generated/index.js";
import type { PlacedNode } from "./placed-node.js";

/** What reading its statement said. */
export interface ReadNode extends PlacedNode {
  readonly name: string;
  readonly sql: string;
  /** The nodes that it reads as relations. */
  readonly reads: readonly string[];
  /** The nodes whose values it takes. */
  readonly parameters: readonly string[];
  /** The tables and views that it names. */
  readonly sources: readonly string[];
}

/** What planning it said. */
export interface DriverNode extends ReadNode {
  readonly columns: readonly ColumnLineage[];
  readonly fields: readonly FieldSpec[];
  /** The values of its parameters. */
  readonly values: Readonly<Record<string, TypedParameter>>;
  readonly cache: NodeCache;
  /** The tables that it reads, also through views. */
  readonly tables: readonly string[];
  /** The views that it reads, also through views. */
  readonly views: readonly string[];
  /** Equal where all is that its rows depend on; empty in a driver that is only planned, as its key is. */
  readonly identity: string;
  /** What its rows are kept under. */
  readonly key: string;
  /** Whether the rows are of no use to another run. */
  readonly isOfRun: boolean;
  /** Whether it is planned into its readers, and has no rows of its own. */
  readonly isInlined: boolean;
}
