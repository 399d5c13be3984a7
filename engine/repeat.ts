/** Requests that a client may repeat under a key of its own: by what a repeat is known, and what it may not change. */
import type { Caller } from "./caller.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { hashMsgpackCanonical } from "./hashing.js";

export interface Repeat {
  /** What the request makes has this id, the first time and any other. */
  readonly id: string;
  /** Of what is asked. */
  readonly fingerprint: string;
}

/** `resource`: what the request makes; keys of one kind mean nothing of another, nor do those of another caller. */
export function repeatOf(
  key: string | undefined,
  resource: string,
  request: object,
  { id: caller }: Caller,
): Repeat | undefined {
  if (key === undefined) return undefined;
  return { id: uuidOf(hashMsgpackCanonical({ caller, resource, key })), fingerprint: hashMsgpackCanonical(request) };
}

export function requireSame({ fingerprint }: Repeat, first: string | undefined): void {
  if (fingerprint === first) return;
  throw new DataFusionEngineError("The Idempotency-Key was used for another request.", {
    code: "idempotency_key_reused",
  });
}

/** A UUID of version 8 (RFC 9562). */
function uuidOf(digest: string): string {
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 0x3) | 0x8).toString(16);
  const parts = [digest.slice(0, 8), digest.slice(8, 12), `8${digest.slice(13, 16)}`];
  return [...parts, `${variant}${digest.slice(17, 20)}`, digest.slice(20, 32)].join("-");
}
