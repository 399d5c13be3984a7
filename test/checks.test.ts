/** What the linters, the formatters, the compiler and the generator say. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { inRoot } from "../setup/places.mjs";

const local = (tool: string) => inRoot("node_modules/.bin", tool);
const withoutRustfmt = spawnSync("cargo", ["fmt", "--version"]).status === 0 ? false : "rustfmt is not installed";

describe("checks", () => {
  it("biome: npm run format mends it", () => passes(local("biome"), "ci", "--error-on-warnings", "--colors=off"));
  it("TypeScript", () => passes(local("tsc"), "--noEmit"));
  it("generated files are fresh", () => passes("npm", "run", "--silent", "check:generated"));
  for (const manifest of ["native/Cargo.toml", "test/sqllogictest/Cargo.toml"])
    it(`rustfmt: cargo fmt --all --manifest-path ${manifest} mends it`, { skip: withoutRustfmt }, () =>
      passes("cargo", "fmt", "--all", "--check", "--manifest-path", manifest),
    );
});

function passes(command: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: inRoot(), encoding: "utf8" });
  assert.equal(status, 0, `${stdout}\n${stderr}`.slice(-6000));
}
