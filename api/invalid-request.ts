/** A request that does not fit its schema, with everything that is wrong with it. */
import { DataFusionEngineError } from "../engine/index.js";
import type { ValidationFailure } from "../schemas/generated/index.js";

export class InvalidRequest extends DataFusionEngineError {
  readonly failures: readonly ValidationFailure[];

  constructor(part: string, failures: readonly ValidationFailure[]) {
    const [first] = failures;
    const rest = failures.length > 1 ? ` (and ${failures.length - 1} more)` : "";
    super(`${part}${first?.pointer ?? ""} ${first?.message ?? "is not valid"}${rest}`, { code: "invalid_request" });
    this.failures = failures;
  }
}
