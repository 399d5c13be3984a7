/** A registered table as it is kept on disk. */
import type { DeltaFeatureGate } from "../schemas/generated/index.js";

export interface StoredTable {
  readonly name: string;
  readonly uri: string;
  readonly storage_options: Readonly<Record<string, string>>;
  /** Absent in what was stored before there were gates. */
  readonly gate?: DeltaFeatureGate | null;
  readonly registered_at: string;
  /** Changes with every registration, so that an ETag can be made of it and no secret. */
  readonly revision: string;
}
