/** What it takes to know who asks, a request, in this process: `node --import tsx bench/authentication.ts`. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { openAuthenticator } from "../api/authenticator.js";
import { ApiKeys } from "../engine/index.js";

const log = { info: () => undefined, warn: () => undefined };
const folder = mkdtempSync(join(tmpdir(), "lakegate-bench-"));
const keysFolder = join(folder, "keys");
const { publicKey, privateKey } = await generateKeyPair("RS256");
const jwk = { ...(await exportJWK(publicKey)), kid: "one" };
const issuer = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })));
await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
const jwks = new URL(`http://127.0.0.1:${(issuer.address() as AddressInfo).port}`);
const signed = (sub: string) =>
  new SignJWT({ scope: "read", sub, iss: "bench", aud: "bench" })
    .setProtectedHeader({ alg: "RS256", kid: "one" })
    .setExpirationTime("1h")
    .sign(privateKey);
const token = await signed("ada");
const keys = new ApiKeys(keysFolder, log);
let key = "";
for (let made = 0; made < 1_000; made += 1)
  ({ key } = await keys.create({ name: "bench", scopes: ["read"], terms: { visible: ["a*"] } }));

const jwt = {
  jwks,
  issuer: "bench",
  audience: "bench",
  algorithms: ["RS256"],
  scopeClaim: "scope",
  clockToleranceMs: 0,
};
const authenticator = await openAuthenticator({ keysFolder, jwt }, log);
if (authenticator === undefined) throw new Error("nobody is asked");
const cases = {
  "an API key of 1,000": `Bearer ${key}`,
  "a wrong API key": `Bearer ${key.slice(0, -1)}_`,
  "a token that was seen": `Bearer ${token}`,
};
await authenticator.identify(cases["a token that was seen"]);
for (const [name, header] of Object.entries(cases)) measure(name, 200_000, (count) => ask(count, header));
const fresh = await Promise.all(Array.from({ length: 500 }, (_, index) => signed(`caller ${index}`)));
const began = performance.now();
for (const each of fresh) await authenticator.identify(`Bearer ${each}`);
show("a token that is new", fresh.length, performance.now() - began);
authenticator.close();
issuer.close();
rmSync(folder, { recursive: true });

function ask(count: number, header: string): void {
  for (let index = 0; index < count; index += 1) authenticator?.known(header);
}

function measure(name: string, count: number, work: (count: number) => void): void {
  work(count / 10);
  const started = performance.now();
  work(count);
  show(name, count, performance.now() - started);
}

function show(name: string, count: number, milliseconds: number): void {
  console.log(`${name}: ${((milliseconds / count) * 1000).toFixed(2)} µs`);
}
