/** Compiles the TypeScript to dist/ when a source is newer than the last compilation. */
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { isStale } from "./freshness.mjs";
import { inRoot } from "./places.mjs";
import { run, step } from "./steps.mjs";

const STAMP = "dist/.compiled";
const SOURCES = [
  "api",
  "engine",
  "routes",
  "schemas",
  "setup/demo",
  "tsconfig.json",
  "tsconfig.build.json",
  "package-lock.json",
];

export async function compile() {
  if (!isStale(STAMP, SOURCES)) return;
  const started = new Date();
  await step("compiling the TypeScript", () =>
    run(process.execPath, [inRoot("node_modules/typescript/bin/tsc"), "--project", "tsconfig.build.json"]),
  );
  mkdirSync(inRoot("dist"), { recursive: true });
  writeFileSync(inRoot(STAMP), "");
  utimesSync(inRoot(STAMP), started, started);
}
