/** The packages: without known weaknesses, pinned, and the ones that were locked. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { audit } from "../setup/audit.mjs";
import { inRoot } from "../setup/places.mjs";

interface Locked {
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const manifest = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));
const lock: { packages: Record<string, Locked> } = JSON.parse(readFileSync(inRoot("package-lock.json"), "utf8"));
const locked = Object.entries(lock.packages).filter(([path]) => path !== "");

describe("packages", () => {
  for (const { name, weaknesses = [], unknown } of audit()) {
    it(`of ${name} have no known weakness`, { skip: unknown ?? false }, () => assert.deepEqual(weaknesses, []));
  }

  it("have exact versions", () => {
    const wanted = Object.entries<string>({ ...manifest.dependencies, ...manifest.devDependencies });
    assert.deepEqual(
      wanted.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)),
      [],
    );
  });

  it("of npm are known by their bytes", () => {
    assert.deepEqual(
      locked.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? "")).map(([path]) => path),
      [],
    );
  });

  it("of npm run nothing when they are installed, but those that are known to", () => {
    const running = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.split("/").at(-1));
    assert.deepEqual([...new Set(running)], ["esbuild"]);
  });

  it("of Rust are known by their bytes", () => {
    const packages = readFileSync(inRoot("native/Cargo.lock"), "utf8").split("[[package]]").slice(1);
    const foreign = packages.filter((text) => text.includes("source = "));
    const unknown = foreign.filter((text) => !/checksum = "[0-9a-f]{64}"/.test(text));
    assert.ok(foreign.length > 100);
    assert.deepEqual(
      unknown.map((text) => /name = "([^"]+)"/.exec(text)?.[1]),
      [],
    );
  });
});
