/** The only module that touches a hash function. */
import { createHash } from "node:crypto";
import { encode } from "./codec.js";

/** SHA-256, in hex, of the text in UTF-8. */
export function hashText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** SHA-256, in base64, of the bytes. */
export function hashBytes(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64");
}

/** SHA-256, in hex, of the value as MessagePack with its map keys sorted by their UTF-8 bytes. */
export function hashMsgpackCanonical(value: unknown): string {
  return createHash("sha256")
    .update(encode(sorted(value)))
    .digest("hex");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, sorted(inner)] as const);
  return Object.fromEntries(entries.sort(([left], [right]) => Buffer.compare(Buffer.from(left), Buffer.from(right))));
}
