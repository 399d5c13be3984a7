/** The README tells the truth: its settings are those there are, and its examples answer as printed. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { settings } from "../api/settings.js";
import { inRoot, testWarehouse } from "../setup/places.mjs";
import { startServer, type TestServer, temporaryFolder } from "./fixture/server.js";

const readme = readFileSync(inRoot("README.md"), "utf8");
const withoutCurl = spawnSync("curl", ["--version"]).status === 0 ? false : "curl is not installed";

/** A command and, right after it, what it prints. */
const example = /```sh\n(curl [^`]+?)\n```\n\n```(json|csv|text|mermaid)\n([^`]*?)\n```/g;

describe("README", () => {
  let server: TestServer;
  const warehouse = temporaryFolder();

  before(async () => {
    cpSync(testWarehouse, warehouse, { recursive: true });
    server = await startServer({ warehouse });
  });
  after(async () => {
    await server.stop();
    rmSync(warehouse, { recursive: true });
  });

  it("lists every setting", () => {
    const rows = settings.map(
      ({ name, default: value, description }) => `| \`${name}\` | ${shown(value)} | ${description} |`,
    );
    const table = ["| setting | default | what |", "|---|---|---|", ...rows].join("\n");
    assert.ok(readme.includes(table), `Put this table into README.md:\n\n${table}`);
  });

  const examples = [...readme.matchAll(example)];

  it("shows examples", () => assert.ok(examples.length >= 9));

  for (const [, command = "", format, output = ""] of examples) {
    it(command.split("\n").at(-1)?.slice(0, 90) ?? "", { skip: withoutCurl }, async () => {
      const here = command.replaceAll("http://127.0.0.1:8080", server.url);
      const { stdout } = await promisify(execFile)("sh", ["-c", here]);
      if (format === "json") assert.deepEqual(lasting(JSON.parse(stdout)), lasting(JSON.parse(output)));
      else assert.equal(stdout.trim().replaceAll("\r", ""), output);
    });
  }
});

function shown(value: string): string {
  return value === "" ? "" : `\`${value}\``;
}

/** What is the same on every machine and in every run. */
function lasting(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lasting);
  if (value === null || typeof value !== "object") return value;
  const passing = ["query_id", "request_id", "stats", "cache", "timestamp", "created_at", "uri", "size_bytes", "files"];
  const kept = Object.entries(value).filter(([name]) => !passing.includes(name));
  return Object.fromEntries(kept.map(([name, inner]) => [name, lasting(inner)]));
}
