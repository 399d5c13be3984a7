/** What cargo is run with: the target folder that all clones share, and code that this processor runs. */
import { existsSync, readFileSync } from "node:fs";
import { cargoTarget } from "./places.mjs";

const PROCESSOR = "/proc/cpuinfo";
/** What .cargo/config.toml counts on. */
const NEEDED = ["avx2", "bmi2", "fma"];

export const cargoEnvironment = {
  CARGO_TARGET_DIR: cargoTarget,
  ...(lacksInstructions() && { RUSTFLAGS: "-C target-cpu=x86-64" }),
};

function lacksInstructions() {
  if (process.arch !== "x64" || process.env.RUSTFLAGS !== undefined || !existsSync(PROCESSOR)) return false;
  const flags =
    readFileSync(PROCESSOR, "utf8")
      .match(/^flags\s*:(.*)$/m)?.[1]
      .split(" ") ?? [];
  return NEEDED.some((flag) => !flags.includes(flag));
}
