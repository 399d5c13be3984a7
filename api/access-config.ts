/** Who may use the service, as its settings say: everybody on loopback, elsewhere only callers with keys or tokens. */
import { join } from "node:path";
import { ConfigError } from "./config-error.js";
import type { Environment } from "./environment.js";
import type { JwtConfig } from "./json-web-tokens.js";

/** Everybody, where it has neither. */
export interface AccessConfig {
  readonly keysFolder?: string;
  readonly jwt?: JwtConfig;
}

const loopback = /^(127(\.\d{1,3}){3}|::1|localhost)$/;
/** Of public keys only: with a shared secret, whoever can check a token can make one. */
const algorithms = /^(RS|PS|ES)(256|384|512)$|^EdDSA$|^Ed25519$/;

export function accessConfig(environment: Environment, state: string): AccessConfig {
  const ways = list(environment.LAKEGATE_AUTH);
  const unknown = ways.find((way) => !["none", "keys", "jwt"].includes(way));
  if (unknown !== undefined || (ways.includes("none") && ways.length > 1)) {
    throw new ConfigError(`LAKEGATE_AUTH must be none, keys, jwt or keys,jwt, not "${environment.LAKEGATE_AUTH}".`);
  }
  const isOpen = ways.length === 0 || ways.includes("none");
  if (isOpen) refuseUnguarded(environment.HOST);
  return {
    ...(ways.includes("keys") && { keysFolder: keysFolder(state) }),
    ...(ways.includes("jwt") && { jwt: jwtConfig(environment) }),
  };
}

export function keysFolder(state: string): string {
  return join(state, "keys");
}

function refuseUnguarded(host: string): void {
  if (loopback.test(host)) return;
  throw new ConfigError(
    `HOST ${host} can be reached by others, and LAKEGATE_AUTH asks nobody who they are: set LAKEGATE_AUTH=keys ` +
      "(npx lakegate keys create makes one) or jwt, or HOST to a loopback address such as 127.0.0.1.",
  );
}

function jwtConfig(environment: Environment): JwtConfig {
  const required = ["LAKEGATE_JWT_JWKS", "LAKEGATE_JWT_ISSUER", "LAKEGATE_JWT_AUDIENCE"] as const;
  const missing = required.find((name) => environment[name] === "");
  if (missing !== undefined) throw new ConfigError(`LAKEGATE_AUTH=jwt needs ${missing}.`);
  const tables = environment.LAKEGATE_JWT_TABLES;
  return {
    jwks: jwksUrl(environment.LAKEGATE_JWT_JWKS),
    issuer: environment.LAKEGATE_JWT_ISSUER,
    audience: environment.LAKEGATE_JWT_AUDIENCE,
    algorithms: pinned(list(environment.LAKEGATE_JWT_ALGORITHMS)),
    scopeClaim: environment.LAKEGATE_JWT_SCOPES,
    ...(tables !== "" && { tablesClaim: tables }),
    clockToleranceMs: Number(environment.LAKEGATE_JWT_CLOCK_MS),
  };
}

/** Keys that come over an open line could be anybody's. */
function jwksUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && loopback.test(url.hostname));
  if (url !== undefined && isSafe) return url;
  throw new ConfigError(`LAKEGATE_JWT_JWKS must be an https URL, or an http one on loopback, not "${text}".`);
}

function pinned(names: string[]): string[] {
  const wrong = names.find((name) => !algorithms.test(name));
  if (wrong === undefined && names.length > 0) return names;
  throw new ConfigError(
    `LAKEGATE_JWT_ALGORITHMS must be algorithms of public keys such as RS256, not "${wrong ?? ""}".`,
  );
}

export function list(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
