/** How the rows of a result are written. */
import type { NumberStyle, ResultFormat, RowFormat } from "../schemas/generated/index.js";

export interface Encoding {
  readonly format: ResultFormat;
  readonly numbers?: NumberStyle;
  readonly row_format?: RowFormat;
}

/** How the bytes of a result differ where the format leaves it open. */
export function variantOf({ format, numbers = "number", row_format = "object" }: Encoding): string {
  const hasNumbers = format === "json" || format === "ndjson";
  const hasRows = hasNumbers || format === "msgpack";
  return `${format}${hasNumbers && numbers === "string" ? ".string" : ""}${hasRows && row_format === "array" ? ".array" : ""}`;
}
