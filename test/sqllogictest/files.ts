/** DataFusion's own sqllogictest files, as its package of the engine's version has them: fetched by cargo, kept nowhere else. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inRoot } from "../../setup/places.mjs";
import { cargo } from "./cargo.js";

interface Package {
  readonly name: string;
  readonly version: string;
  readonly manifest_path: string;
}

export interface SqlLogicFiles {
  readonly version: string;
  readonly folder: string;
  /** Below the folder, in order. */
  readonly names: readonly string[];
}

export function sqlLogicFiles(): SqlLogicFiles {
  const engine = packageNamed("datafusion", ["--locked", "--manifest-path", inRoot("native/Cargo.toml")]);
  const folder = join(dirname(unpacked(engine.version).manifest_path), "test_files");
  if (!existsSync(folder)) throw new Error(`datafusion-sqllogictest ${engine.version} holds no test files`);
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".slt"));
  return { version: engine.version, folder, names: names.sort() };
}

/** Why they aren't there, where cargo can't fetch them. */
export function withoutSqlLogicFiles(): string | false {
  try {
    sqlLogicFiles();
    return false;
  } catch (error) {
    return `DataFusion's files can't be fetched: ${(error as Error).message.split("\n").slice(0, 3).join(" ")}`;
  }
}

/** A project that needs the package and is never built makes cargo unpack it; the engine's lock keeps the rest as it is there already. */
function unpacked(version: string): Package {
  const project = mkdtempSync(join(tmpdir(), "lakegate-sqllogictest-"));
  try {
    mkdirSync(join(project, "src"));
    writeFileSync(join(project, "src", "lib.rs"), "");
    writeFileSync(
      join(project, "Cargo.toml"),
      `[package]\nname = "files"\nedition = "2024"\n[dependencies]\ndatafusion-sqllogictest = "=${version}"\n`,
    );
    copyFileSync(inRoot("native/Cargo.lock"), join(project, "Cargo.lock"));
    return packageNamed("datafusion-sqllogictest", ["--manifest-path", join(project, "Cargo.toml")]);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

function packageNamed(name: string, args: readonly string[]): Package {
  const metadata = JSON.parse(cargo(["metadata", "--format-version", "1", ...args])) as { packages: Package[] };
  const found = metadata.packages.find((one) => one.name === name);
  if (found === undefined) throw new Error(`cargo knows no package ${name}`);
  return found;
}
