/** Runs the named benchmarks, or all, prints them side by side and writes RESULTS.md when all ran. */
import { writeFileSync } from "node:fs";
import { appendMemory } from "./append-memory.js";
import { f1 } from "./f1-tpch.js";
import { f2 } from "./f2-servers.js";
import { f3 } from "./f3-rate.js";
import { f4 } from "./f4-hits.js";
import { f5 } from "./f5-export.js";
import { f6 } from "./f6-fairness.js";
import { f7 } from "./f7-commits.js";
import { f8 } from "./f8-appends.js";
import { f9 } from "./f9-start.js";
import { machineFacts } from "./machine.js";
import { merge } from "./merge.js";
import { pipelines } from "./pipelines.js";
import { registries } from "./registries.js";
import { markdown, print, type Report } from "./report.js";
import { smoke } from "./smoke.js";
import { validation } from "./validation.js";

const parts: Record<string, () => Promise<Report>> = {
  f1,
  f2,
  f3,
  f4,
  f5,
  f6,
  f7,
  f8,
  merge,
  append: appendMemory,
  f9,
  validation,
  registries,
  pipelines,
};
/** Only by name: it has the others' figures at a smaller scale. */
const quick = { smoke };
const named = process.argv.slice(2).map((name) => name.toLowerCase());
const all = { ...parts, ...quick };
const unknown = named.filter((name) => !(name in all));
if (unknown.length > 0) throw new Error(`no benchmark ${unknown.join(", ")}; there are ${Object.keys(all).join(", ")}`);

const reports: Report[] = [];
for (const [name, part] of Object.entries(named.length > 0 ? all : parts)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const report = await part();
  print(report);
  reports.push(report);
}

if (named.length === 0) {
  const facts = machineFacts().map((fact) => `- ${fact}`);
  const head = [
    "# Benchmark results",
    "Written by `npm run bench`. Ratios are ours / peer, the median of the rounds.",
    facts.join("\n"),
  ];
  writeFileSync("bench/RESULTS.md", `${[...head, ...reports.map(markdown)].join("\n\n")}\n`);
}
