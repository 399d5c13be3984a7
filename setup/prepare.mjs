/** Brings a clone to the point where the server can start: packages, addon, compiled TypeScript. */
import { buildAddon } from "./addon.mjs";
import { compile } from "./compile.mjs";
import { installDependencies } from "./dependencies.mjs";
import { SetupError } from "./steps.mjs";

export async function prepare() {
  requireNode(20);
  await installDependencies();
  await buildAddon();
  await compile();
}

function requireNode(version) {
  if (Number.parseInt(process.versions.node, 10) >= version) return;
  throw new SetupError(`Node ${version} or newer is needed; this is ${process.versions.node}.`);
}
