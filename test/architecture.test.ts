/** The table of ARCHITECTURE.md, enforced on the import lines of every source file. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const root = fileURLToPath(new URL("..", import.meta.url));

/** What the files of a folder may import from outside of it, as beginnings of paths. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  "schemas/generated": [],
  "schemas/codegen": [],
  engine: ["schemas/generated/index", "native/index"],
  routes: ["schemas/generated/index"],
  api: ["routes/index", "engine/index", "schemas/generated/index"],
  openapi: ["api/app"],
};

const folders = Object.keys(mayImport);
const files = folders.flatMap((folder) => sources(folder, ".ts"));

for (const folder of folders) {
  test(`${folder}/ imports only what it may`, () => {
    const allowed = mayImport[folder] ?? [];
    const wrong = sources(folder, ".ts").flatMap((file) =>
      outerImports(file, folder)
        .filter((target) => !allowed.some((start) => target === `${start}.js`))
        .map((target) => `${file.path} imports ${target}`),
    );
    assert.deepEqual(wrong, []);
  });
}

test("only engine/native.ts loads the addon", () => {
  assert.deepEqual(holding(/#addon|native\/index\.js|lakegate\.node/), ["engine/native.ts"]);
});

test("only api/config.ts reads the environment", () => {
  assert.deepEqual(holding(/process\.env\b/), ["api/config.ts"]);
});

test("only engine/hashing.ts touches a hash function, besides the generator of its test vectors", () => {
  const hashers = files.filter(({ text }) => cryptoNames(text).some((name) => !name.startsWith("random")));
  assert.deepEqual(
    hashers.map(({ path }) => path),
    ["schemas/codegen/emit-canonical-vectors.ts", "engine/hashing.ts"],
  );
  assert.deepEqual(holding(/\bcreateHash\b|\bcreateHmac\b|crypto\.(subtle|hash)|globalThis\.crypto|webcrypto/), [
    "schemas/codegen/emit-canonical-vectors.ts",
  ]);
});

test("only the error table holds HTTP statuses of errors", () => {
  const literal = /\.code\((4|5)\d\d\)|statusCode\s*=\s*(4|5)\d\d/;
  assert.deepEqual(
    holding(literal).filter((path) => !path.startsWith("schemas/generated/")),
    [],
  );
});

test("the Rust core knows neither napi nor HTTP", () => {
  const manifest = readFileSync(join(root, "native/core/Cargo.toml"), "utf8");
  assert.doesNotMatch(manifest, /^(napi|hyper|axum|http)\b/m);
  const wrong = sources("native/core/src", ".rs").filter(({ text }) => /\b(napi|hyper|axum)::/.test(text));
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  );
});

test("the Rust binding imports the engine only from core", () => {
  const wrong = sources("native/binding/src", ".rs").filter(({ text }) =>
    /\b(datafusion|deltalake|arrow|parquet)::/.test(text),
  );
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  );
});

test("no folder or file has a name that says nothing", () => {
  const empty = /(^|[/_-])(utils?|helpers?|common|managers?|misc)([._/-]|$)/;
  assert.deepEqual(
    files.map(({ path }) => path).filter((path) => empty.test(path)),
    [],
  );
});

test("files are named in kebab-case", () => {
  assert.deepEqual(
    files.map(({ path }) => path).filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(basename(path))),
    [],
  );
});

test("a file opens with a sentence on what lives there", () => {
  assert.deepEqual(
    files.filter(({ text }) => !/^\/\*\*[\s\S]*?[.!?]/.test(text)).map(({ path }) => path),
    [],
  );
});

function sources(folder: string, ending: string): SourceFile[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => posix.join(folder, name.replaceAll("\\", "/")))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

function outerImports({ path, text }: SourceFile, folder: string): string[] {
  const targets = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, target = ""]) => target);
  return targets
    .map((target) => posix.join(dirname(path), target))
    .filter((target) => !target.startsWith(`${folder}/`));
}

/** What a file takes from Node's crypto module; all of it where it names nothing. */
function cryptoNames(text: string): string[] {
  const imports = text.matchAll(/import\s+(?:\{([^}]*)\}|[^;"]*?)\s*(?:from\s+)?\(?"(?:node:)?crypto"/g);
  return [...imports].flatMap(([, names = "*"]) => names.split(",").map((name) => name.trim()));
}

function holding(pattern: RegExp): string[] {
  return files.filter(({ text }) => pattern.test(text)).map(({ path }) => path);
}
