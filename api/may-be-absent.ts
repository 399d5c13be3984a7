/** Whether a body of this schema may be absent: one in which everything may be. */
export interface BodySchema {
  readonly type?: unknown;
  readonly required?: readonly string[];
  readonly oneOf?: readonly { readonly $ref?: string }[];
}

/** `find`: the schema that a variant refers to. */
export function mayBeAbsent(
  { type, required = [], oneOf = [] }: BodySchema,
  find: (reference: string) => BodySchema | undefined,
): boolean {
  const variants = oneOf.map(({ $ref }) => ($ref === undefined ? undefined : find($ref)));
  if (variants.length > 0) return variants.some((variant) => variant !== undefined && mayBeAbsent(variant, find));
  return type === "object" && required.length === 0;
}
