/** An entry of a registry that is wrong, with every fault. */
import type { EntryCheck, ValidationFailure } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";

export class InvalidEntry extends DataFusionEngineError {
  readonly failures: readonly ValidationFailure[];

  constructor(failures: readonly ValidationFailure[]) {
    const faults = failures.map(({ pointer, message }) => `${pointer} ${message}`);
    super(`The entry is wrong: ${faults.join("; ")}`, { code: "invalid_entry" });
    this.failures = failures;
  }
}

export function requireNoErrors({ errors }: EntryCheck): void {
  if (errors.length > 0) throw new InvalidEntry(errors);
}
