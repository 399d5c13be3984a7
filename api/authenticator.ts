/** Finds out who sends a request: by API keys, by tokens, or by both. */
import { ApiKeys, type Caller, type Log } from "../engine/index.js";
import type { AccessConfig } from "./access-config.js";
import { JsonWebTokens } from "./json-web-tokens.js";

export interface Authenticator {
  /** Whose the header is, where that is known without waiting. */
  known(authorization: string | undefined): Caller | undefined;
  /** Whose the header is; undefined where it is nobody's. */
  identify(authorization: string | undefined): Promise<Caller | undefined>;
  close(): void;
}

const bearer = /^Bearer +([\w.~+/=-]{1,8192}) *$/i;

/** Undefined where everybody may do everything. */
export async function openAuthenticator(
  { keysFolder, jwt }: AccessConfig,
  log: Log,
): Promise<Authenticator | undefined> {
  if (keysFolder === undefined && jwt === undefined) return undefined;
  const keys = keysFolder === undefined ? undefined : await openKeys(keysFolder, log);
  const tokens = jwt && new JsonWebTokens(jwt);
  const known = (token: string) => keys?.caller(token) ?? tokens?.known(token);
  return {
    known: (authorization) => asked(authorization, known),
    identify: async (authorization) => asked(authorization, (token) => known(token) ?? tokens?.identify(token)),
    close: () => keys?.close(),
  };
}

async function openKeys(folder: string, log: Log): Promise<ApiKeys> {
  const keys = new ApiKeys(folder, log);
  await keys.load();
  keys.watch();
  if (keys.list().length === 0) log.warn({}, "there is no API key yet: make one with `npx lakegate keys create`");
  return keys;
}

function asked<T>(authorization: string | undefined, find: (token: string) => T): T | undefined {
  const token = authorization === undefined ? undefined : bearer.exec(authorization)?.[1];
  return token === undefined ? undefined : find(token);
}
