/** The fingerprint of a configuration: equal where two have the same effect. */
import { hashMsgpackCanonical } from "./hashing.js";

export interface FingerprintableConfig {
  /** Everything of it that has an effect, with defaults filled in and no secret. */
  fingerprintPayload(): Record<string, unknown>;
}

export function configFingerprint(config: FingerprintableConfig): string {
  return hashMsgpackCanonical(config.fingerprintPayload());
}
