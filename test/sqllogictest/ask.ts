/** Has a running server asked what files ask, by the Rust project beside this file. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { cargoEnvironment } from "../../setup/cargo-environment.mjs";
import { cargoTarget, inRoot } from "../../setup/places.mjs";
import { cargo } from "./cargo.js";
import type { SqlLogicFiles } from "./files.js";

/** What all records came to. */
export interface Tally {
  readonly files: number;
  readonly records: number;
  readonly passed: number;
  /** Of those that passed: an error that had to come, in other words. */
  readonly in_other_words: number;
  /** Of those that passed: the rows in another order, where the statement says none. */
  readonly in_another_order: number;
  /** Relations that were made for records: Delta tables and views. */
  readonly tables: number;
  readonly views: number;
  /** Records by the reason for which they don't apply. */
  readonly inapplicable: Readonly<Record<string, number>>;
  readonly failed: readonly { readonly place: string; readonly sql: string; readonly said: string }[];
}

const project = inRoot("test/sqllogictest/Cargo.toml");
/** Of its own, since cargo would have builds of the engine wait. */
const target = join(cargoTarget, "sqllogictest");

export async function ask(url: string, { folder }: SqlLogicFiles, names: readonly string[]): Promise<Tally> {
  cargo(["build", "--quiet", "--locked", "--manifest-path", project], {
    ...cargoEnvironment,
    CARGO_TARGET_DIR: target,
  });
  const child = spawn(join(target, "debug", "lakegate-sqllogictest"), [url, folder, ...names], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`the runner of the files ended with ${code}`);
  return JSON.parse(said) as Tally;
}
