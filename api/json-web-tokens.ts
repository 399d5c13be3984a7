/** Tokens of one issuer, whose keys come from its JWKS: pinned algorithms, issuer and audience, and claims that become rights. */
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import { type Caller, callerOf, DataFusionEngineError, hashBytes, scopes } from "../engine/index.js";

export interface JwtConfig {
  readonly jwks: URL;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** The claim that holds scopes, as a list or separated by spaces. */
  readonly scopeClaim: string;
  /** The claim that holds patterns of relations; undefined where tokens show all. */
  readonly tablesClaim?: string;
  readonly clockToleranceMs: number;
}

/** Tokens that were found good, and how long they are taken to be before they are looked at again. */
const remembered = 10_000;
const rememberedMs = 60_000;

export class JsonWebTokens {
  readonly #config: JwtConfig;
  readonly #keys: JWTVerifyGetKey;
  readonly #callers = new LRUCache<string, Caller>({ max: remembered });

  constructor(config: JwtConfig) {
    this.#config = config;
    this.#keys = createRemoteJWKSet(config.jwks, { timeoutDuration: 5_000, cooldownDuration: 5_000 });
  }

  /** The caller of a token that was looked at lately. */
  known(token: string): Caller | undefined {
    return this.#callers.get(hashBytes(Buffer.from(token)));
  }

  async identify(token: string): Promise<Caller | undefined> {
    const payload = await this.#verified(token);
    if (payload === undefined) return undefined;
    const caller = this.#caller(payload);
    const left = (payload.exp ?? 0) * 1000 + this.#config.clockToleranceMs - Date.now();
    if (left >= 1) this.#callers.set(hashBytes(Buffer.from(token)), caller, { ttl: Math.min(left, rememberedMs) });
    return caller;
  }

  async #verified(token: string): Promise<JWTPayload | undefined> {
    const { issuer, audience, algorithms, clockToleranceMs } = this.#config;
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        issuer,
        audience,
        algorithms: [...algorithms],
        clockTolerance: clockToleranceMs / 1000,
        requiredClaims: ["exp", "sub"],
      });
      return payload;
    } catch (error) {
      if (isOfToken(error)) return undefined;
      const message = "The keys of the issuer of tokens can't be fetched.";
      throw new DataFusionEngineError(message, { code: "service_unavailable", cause: error });
    }
  }

  #caller(payload: JWTPayload): Caller {
    const { scopeClaim, tablesClaim } = this.#config;
    const named = new Set(texts(payload[scopeClaim]));
    const granted = scopes.filter((scope) => named.has(scope));
    const id = `jwt:${payload.iss}#${payload.sub}`;
    if (tablesClaim === undefined) return callerOf({ id, scopes: granted });
    return callerOf({ id, scopes: granted, terms: { visible: texts(payload[tablesClaim]) } });
  }
}

/** A fault of the token itself, not of what the keys are fetched from. */
function isOfToken(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return false;
  return !(
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    error.code === "ERR_JOSE_GENERIC"
  );
}

function texts(claim: unknown): string[] {
  if (typeof claim === "string") return claim.split(/[\s,]+/).filter((text) => text !== "");
  return Array.isArray(claim) ? claim.filter((text) => typeof text === "string" && text !== "") : [];
}
