/** The one error of the engine: what went wrong as a kind and a code, never as an HTTP status. */
import { type ErrorCode, type ErrorKind, errorTable, type Location } from "../schemas/generated/index.js";

export interface EngineErrorOptions {
  readonly code: ErrorCode;
  /** The kind that the error table gives the code, unless the engine knows better. */
  readonly kind?: ErrorKind;
  readonly location?: Location;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export class DataFusionEngineError extends Error {
  override readonly name = "DataFusionEngineError";
  readonly kind: ErrorKind;
  readonly code: ErrorCode;
  readonly location: Location | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(message: string, { code, kind, location, details, cause }: EngineErrorOptions) {
    super(message, { cause });
    this.code = code;
    this.kind = kind ?? errorTable[code].kind;
    this.location = location;
    this.details = details;
  }
}
