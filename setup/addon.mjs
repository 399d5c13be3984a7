/** Builds the Rust addon when a file of native/ is newer than it. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, renameSync, utimesSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { cargoEnvironment } from "./cargo-environment.mjs";
import { isStale } from "./freshness.mjs";
import { cargoTarget, inRoot } from "./places.mjs";
import { run, SetupError, step } from "./steps.mjs";

const SOURCES = [
  ".cargo",
  "native/Cargo.toml",
  "native/Cargo.lock",
  "native/binding",
  "native/contract",
  "native/core",
];
const LIBRARIES = {
  darwin: "liblakegate_binding.dylib",
  win32: "lakegate_binding.dll",
};

export async function buildAddon() {
  if (!isStale("native/lakegate.node", SOURCES)) return;
  const cargo = findCargo();
  const started = new Date();
  const title = existsSync(join(cargoTarget, "release"))
    ? "building the Rust addon (what changed, and its link)"
    : "building the Rust addon: about an hour on two slow cores the first time, minutes on a fast machine";
  await step(title, () =>
    run(cargo, ["build", "--release", "--locked", "--manifest-path", inRoot("native/Cargo.toml")], cargoEnvironment),
  );
  install(join(cargoTarget, "release", LIBRARIES[process.platform] ?? "liblakegate_binding.so"), started);
}

/** The rename leaves a server that runs on the old addon undisturbed. */
function install(library, built) {
  const temporary = inRoot(`native/.lakegate.${process.pid}.node`);
  copyFileSync(library, temporary);
  utimesSync(temporary, built, built);
  renameSync(temporary, inRoot("native/lakegate.node"));
}

function findCargo() {
  const candidates = [process.env.CARGO, "cargo", join(homedir(), ".cargo", "bin", "cargo")];
  const cargo = candidates.find((name) => name && spawnSync(name, ["--version"]).status === 0);
  if (cargo) return cargo;
  throw new SetupError(
    "Rust is needed to build the engine, and no cargo was found: install it with rustup, then start again.",
  );
}
