/** `npm run clients`: generates clients in three languages from the OpenAPI document, compiles them, and runs the README's examples. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { makeDemoWarehouse } from "../../setup/demo-warehouse.mjs";
import { cache, inRoot, testWarehouse } from "../../setup/places.mjs";
import { installPython, interpreter } from "../../setup/python.mjs";
import { startServer } from "../fixture/server.js";
import { expectedLines } from "./examples.js";

const environment = { folder: join(cache, "clients", "venv"), requirements: inRoot("test/clients/requirements.txt") };
const packages = ["openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3", "@types/node@20.19.43"];
const document = inRoot("openapi/openapi.json");
const work = mkdtempSync(join(tmpdir(), "lakegate-clients-"));

await installPython(environment);
await makeDemoWarehouse(testWarehouse);
const server = await startServer();
try {
  const expected = await expectedLines(server.url);
  console.log(`Expected, by plain HTTP:\n  ${expected.join("\n  ")}`);
  for (const [language, make] of Object.entries({ typescript, python, java })) {
    const started = Date.now();
    const lines = stripVTControlCharacters(await make(join(work, language)))
      .trim()
      .split(/\r?\n/);
    assert.deepEqual(lines, expected, language);
    console.log(`✓ ${language}: generated, compiled, ${lines.length} examples right (${seconds(started)} s)`);
  }
} finally {
  await server.stop();
  rmSync(work, { recursive: true, force: true });
}

async function typescript(folder: string): Promise<string> {
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }');
  await run(folder, "npm", "install", "--no-audit", "--no-fund", "--silent", ...packages);
  await run(folder, "npx", "openapi-typescript", document, "--output", "api.d.ts", "--default-non-nullable", "false");
  copyFileSync(inRoot("test/clients/example.ts.txt"), join(folder, "example.ts"));
  const strict = ["--strict", "--module", "nodenext", "--target", "es2023", "--types", "node", "--skipLibCheck"];
  await run(folder, "npx", "tsc", ...strict, "example.ts");
  return run(folder, "node", "example.js", server.url);
}

async function python(folder: string): Promise<string> {
  mkdirSync(folder);
  const python = interpreter(environment);
  const options = ["--path", document, "--output-path", join(folder, "lakegate"), "--meta", "none"];
  await run(folder, tool("openapi-python-client"), "generate", ...options);
  await run(folder, python, "-m", "compileall", "-q", "lakegate");
  copyFileSync(inRoot("test/clients/example.py"), join(folder, "example.py"));
  return run(folder, python, "example.py", server.url);
}

/** The generator writes Java that does not compile for a union with a list; such values are plain objects here. */
async function java(folder: string): Promise<string> {
  const unions = ["--schema-mappings", "QueryParameters=Object,Parameter=Object,GateTerm=Object"];
  const only = ["--global-property", "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"];
  const options = ["-i", document, "-g", "java", "--library", "native", "-o", folder, ...unions, ...only];
  await run(work, tool("openapi-generator-cli"), "generate", ...options);
  copyFileSync(inRoot("test/clients/Example.java"), join(folder, "src/main/java/Example.java"));
  await run(folder, "mvn", "--batch-mode", "-q", "compile");
  const plugin = "org.codehaus.mojo:exec-maven-plugin:3.5.0:java";
  return run(folder, "mvn", "--batch-mode", "-q", plugin, "-Dexec.mainClass=Example", `-Dexec.args=${server.url}`);
}

function tool(name: string): string {
  return join(dirname(interpreter(environment)), name);
}

/** Gives what the command prints; fails with all of it when the command does. */
async function run(folder: string, command: string, ...args: string[]): Promise<string> {
  const child = spawn(command, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0)
    throw new Error(`${[command, ...args].join(" ")} ended with ${code}\n${output.stdout}${output.stderr}`);
  return output.stdout;
}

function seconds(started: number): number {
  return Math.round((Date.now() - started) / 1000);
}
