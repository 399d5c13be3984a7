/** Whether a body of this schema may be absent: one in which everything may be. */
export interface BodySchema {
  readonly type?: unknown;
  readonly required?: readonly string[];
  readonly oneOf?: unknown;
}

export function mayBeAbsent({ type, required = [], oneOf }: BodySchema): boolean {
  return type === "object" && required.length === 0 && oneOf === undefined;
}
