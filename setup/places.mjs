/** Where the project keeps things on this machine. */
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
export const inRoot = (...path) => join(root, ...path);

export const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "lakegate");
export const cargoTarget = process.env.CARGO_TARGET_DIR || join(cache, "target");
export const demoWarehouse = inRoot(".lakegate", "warehouse");
export const demoState = inRoot(".lakegate", "state");
export const testWarehouse = inRoot(".lakegate", "test", "warehouse");
