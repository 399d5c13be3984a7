/** `npm run audit`: known weaknesses of the packages, by npm and by cargo-deny; says plainly what could not be asked. */
import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { inRoot } from "./places.mjs";

/** Each finds weaknesses, or says why it could not look. */
const audits = { npm: auditNpm, cargo: auditCargo };

/** What is known of the packages of each kind: `weaknesses`, or why it is `unknown`. */
export function audit() {
  return Object.entries(audits).map(([name, look]) => ({ name, ...look() }));
}

function auditNpm() {
  const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], { cwd: inRoot(), encoding: "utf8" });
  const report = parsed(stdout);
  if (report?.vulnerabilities === undefined) return { unknown: "npm's advisory service can't be reached" };
  const found = Object.values(report.vulnerabilities).filter(({ severity }) => ["high", "critical"].includes(severity));
  return { weaknesses: found.map(({ name, severity, range }) => `${name} ${range}: ${severity}`) };
}

function auditCargo() {
  const args = ["deny", "--manifest-path", inRoot("native/Cargo.toml"), "--format", "json", "check", "advisories"];
  const { status, stderr } = spawnSync("cargo", args, { cwd: inRoot(), encoding: "utf8" });
  const lines = (stderr ?? "")
    .split("\n")
    .map(parsed)
    .filter((line) => line !== undefined);
  const found = lines.filter(({ type, fields }) => type === "diagnostic" && fields.severity === "error");
  if (lines.some(({ type }) => type === "summary")) return { weaknesses: found.map(({ fields }) => fields.message) };
  return { unknown: status === 101 ? "cargo-deny isn't installed" : "the advisories for Rust can't be fetched" };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const { name, weaknesses, unknown } of audit()) {
    if (unknown !== undefined) console.log(`${name}: NOT AUDITED: ${unknown}`);
    else console.log(`${name}: ${weaknesses.length} weaknesses`);
    for (const weakness of weaknesses ?? []) console.error(`  ✗ ${weakness}`);
    if (weaknesses === undefined) process.exitCode ||= 2;
    else if (weaknesses.length > 0) process.exitCode = 1;
  }
}
