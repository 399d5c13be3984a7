/** The only module that touches a hash function. */
import { hash, timingSafeEqual } from "node:crypto";
import { canonicalMessagePack } from "./canonical-message-pack.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";

/** SHA-256, in hex, of the text in UTF-8. */
export function hashText(text: string): string {
  return hash("sha256", text, "hex");
}

/** Whether the hash is that of the text; takes as long for any other. */
export function isHashOf(text: string, hashed: string): boolean {
  const [own, other] = [hashText(text), hashed].map((hex) => Buffer.from(hex, "latin1"));
  return own !== undefined && other !== undefined && own.length === other.length && timingSafeEqual(own, other);
}

/** SHA-256, in base64, of the bytes. */
export function hashBytes(bytes: Uint8Array): string {
  return hash("sha256", bytes, "base64");
}

/** SHA-256, in hex, of the value's canonical MessagePack. */
export function hashMsgpackCanonical(value: unknown): string {
  return hash("sha256", canonicalMessagePack(value), "hex");
}

/** Makes `prefix:digest` of named values, whose order doesn't matter. */
export class CacheKeyBuilder {
  readonly #prefix: string;
  readonly #values = new Map<string, unknown>();

  constructor(prefix: string) {
    if (prefix === "") throw refused("A cache key needs a prefix.");
    this.#prefix = prefix;
  }

  add(name: string, value: unknown): this {
    if (this.#values.has(name)) throw refused(`The cache key has a value named ${name} already.`);
    this.#values.set(name, value);
    return this;
  }

  build(): string {
    return `${this.#prefix}:${hashMsgpackCanonical(Object.fromEntries(this.#values))}`;
  }
}

function refused(message: string): DataFusionEngineError {
  return new DataFusionEngineError(message, { code: "invalid_request" });
}
