/** Prints each test with its failure in full, and at the end all failures again, the time and one line: `N passed, N failed, N skipped`. Node loads it before it can read TypeScript. */
import { relative } from "node:path";

const started = Number(process.env["TESTS_STARTED"] ?? Date.now());

export default async function* report(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  for await (const { type, data } of events) {
    if (type === "test:stdout" || type === "test:stderr") yield data.message;
    if (type === "test:diagnostic" && data.nesting > 0) yield `  # ${data.message}\n`;
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (isGroup(data)) continue;
    const state = stateOf(data, type);
    counts[state] += 1;
    if (state === "failed") failures.push(line(data, state));
    yield line(data, state);
  }
  if (failures.length > 0) yield `\nFailed:\n${failures.join("")}`;
  yield `\n${Math.round((Date.now() - started) / 1000)} seconds in all\n`;
  yield `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`;
}

/** A suite, or one that failed only because of a test inside of it. */
function isGroup({ details }) {
  return details.type === "suite" || details.error?.failureType === "subtestsFailed";
}

function stateOf({ skip, todo }, type) {
  if (skip !== undefined || todo !== undefined) return "skipped";
  return type === "test:pass" ? "passed" : "failed";
}

function line({ name, file, skip, details }, state) {
  const place = file === undefined ? "" : `${relative(process.cwd(), file)}: `;
  const duration = `${Math.round(details.duration_ms ?? 0)} ms`;
  if (state === "skipped") return `- ${place}${name}${typeof skip === "string" ? ` (${skip})` : ""}\n`;
  if (state === "passed") return `✓ ${place}${name} (${duration})\n`;
  return `✗ ${place}${name} (${duration})\n${indented(details.error)}\n`;
}

function indented(error) {
  const cause = error?.cause instanceof Error ? error.cause : error;
  return String(cause?.stack ?? cause ?? "").replaceAll(/^/gm, "    ");
}
