/** The metadata codec, entries and their schemas: Rust tests, which have no surface in TypeScript. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { it } from "node:test";
import { cargoEnvironment } from "../setup/cargo-environment.mjs";
import { inRoot } from "../setup/places.mjs";

it("schemas in Rust: cargo test -p lakegate-core --test schema", () => {
  const manifest = inRoot("native/Cargo.toml");
  const which = ["--package", "lakegate-core", "--test", "schema"];
  const args = ["test", "--release", "--locked", ...which, "--manifest-path", manifest];
  const environment = { ...process.env, ...cargoEnvironment };
  const { status, stdout, stderr } = spawnSync("cargo", args, { encoding: "utf8", env: environment });
  assert.equal(status, 0, `${stdout}\n${stderr}`.slice(-6000));
});
