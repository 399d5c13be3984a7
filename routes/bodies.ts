/** How a route declares the bodies it reads. */
import type { Static, TSchema, TUnsafe } from "@sinclair/typebox";
import { reference } from "../schemas/generated/index.js";
import { json, messagePack } from "./media-types.js";

/** A body in JSON or MessagePack, and in further media types where they are given; typed as what the parsers make of it. */
export function body<T extends TSchema>(schema: T, others: Readonly<Record<string, TSchema>> = {}): TUnsafe<Static<T>> {
  const schemas = { [json]: schema, [messagePack]: schema, ...others };
  const content = Object.entries(schemas).map(([type, inner]) => [type, { schema: reference(inner) }]);
  return { content: Object.fromEntries(content) } as unknown as TUnsafe<Static<T>>;
}
