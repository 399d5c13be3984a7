/** Every route of the OpenAPI document with no key, a wrong one and each scope: let in as declared, and in no other way. */
import { rmSync } from "node:fs";
import type { Problem } from "../../schemas/generated/index.js";
import type { Answer, Client } from "../fixture/client.js";
import { bearer, startGuarded } from "../fixture/keys.js";
import type { Suite } from "./run.js";

interface Route {
  readonly method: string;
  readonly path: string;
  /** Undefined where it is open. */
  readonly scope: string | undefined;
}

interface Document {
  readonly paths: Record<string, Record<string, { readonly security?: readonly { readonly bearer: string[] }[] }>>;
}

const scopes = ["read", "write", "admin"] as const;
/** Well made, and known to nobody. */
const wrongKeys = [`lakegate_${"0".repeat(16)}_${"A".repeat(43)}`, "secret", "a.b.c"];

export const access: Suite = async () => {
  const server = await startGuarded({
    read: { scopes: ["read"] },
    write: { scopes: ["write"] },
    admin: { scopes: ["admin"] },
    expired: { scopes: [...scopes], expires_at: "2020-01-01T00:00:00.000Z" },
  });
  const routes = routesOf((await server.client.send("/openapi.json")).as<Document>());
  const faults: string[] = [];
  const check = async (route: Route, who: string, headers: Record<string, string>, expected: string | undefined) => {
    const found = refusalOf(await send(server.client, route, headers));
    if (found === expected) return;
    faults.push(`${route.method} ${route.path} with ${who}: ${found ?? "let in"} instead of ${expected ?? "let in"}`);
  };
  for (const route of routes) {
    const stranger = route.scope === undefined ? undefined : "unauthenticated";
    await check(route, "no key", {}, stranger);
    for (const key of [...wrongKeys, server.keys.expired, server.keys.admin.slice(0, -1)])
      await check(route, `the key ${key.slice(0, 20)}`, bearer(key), stranger);
    for (const scope of scopes) {
      const isLetIn = route.scope === undefined || route.scope === scope;
      await check(route, `the scope ${scope}`, bearer(server.keys[scope]), isLetIn ? undefined : `scope_missing`);
    }
  }
  await server.stop();
  rmSync(server.state, { recursive: true, force: true });
  const open = routes.filter(({ scope }) => scope === undefined).map(({ path }) => path);
  console.log(`  ${routes.length} routes, of which open: ${open.join(", ")}`);
  if (routes.length < 70) faults.push("the document has too few routes to be whole");
  return faults;
};

function routesOf({ paths }: Document): Route[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { security = [] }]) => {
      const route = { method: method.toUpperCase(), path, scope: security[0]?.bearer[0] };
      const hasHead = path === "/v1/query" || path === "/v1/views/{name}/rows";
      return hasHead ? [route, { ...route, method: "HEAD" }] : [route];
    }),
  );
}

function send(client: Client, { method, path }: Route, headers: Record<string, string>): Promise<Answer> {
  return client.send(path.replaceAll(/\{\w+\}/g, "nothing_there"), { method, headers });
}

/** Why a request was not let in; undefined where it was, whatever became of it then. */
function refusalOf({ status, headers, text }: Answer): string | undefined {
  const challenge = headers.get("www-authenticate");
  if (status === 401) return challenge?.startsWith("Bearer ") ? "unauthenticated" : "401 without a challenge";
  if (status !== 403) return status >= 500 ? `${status}` : undefined;
  // A HEAD has no body; the challenge says the same.
  if (text === "") return challenge?.includes("insufficient_scope") ? "scope_missing" : undefined;
  const { code } = JSON.parse(text) as Problem;
  return code === "scope_missing" && challenge !== null ? code : undefined;
}
