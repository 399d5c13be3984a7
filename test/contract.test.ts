/** Rust and TypeScript read and write every type alike: golden vectors, and random values that both are asked about. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { validatorCompiler } from "../api/validator.js";
import { LinePeer } from "../bench/line-peer.js";
import { decode, encode } from "../engine/codec.js";
import { parseJson, stringifyJson } from "../engine/index.js";
import { load } from "../schemas/codegen/load.js";
import { rustTypes } from "../schemas/codegen/rust-shapes.js";
import { errorTable } from "../schemas/generated/index.js";
import { cargoEnvironment } from "../setup/cargo-environment.mjs";
import { cargoTarget, inRoot } from "../setup/places.mjs";
import { changed, valuesOf } from "./fixture/schema-values.js";

interface Vector {
  readonly name: string;
  readonly json: unknown;
  readonly msgpack?: string;
  readonly valid: boolean;
  readonly complete?: string;
}

type Verdict = { complete: string } | { reason: string };

const source = load();
const ids = new Map(source.types.map(({ schema }) => [String(schema.title), String(schema.$id)]));
const compile = validatorCompiler();
const verdictProgram = join(cargoTarget, "release", "examples", "verdict");
const runs = Number(process.env["CONTRACT_RUNS"] ?? 60);

describe("golden vectors in TypeScript", () => {
  for (const file of readdirSync(inRoot("schemas/vectors"))) {
    const { type, vectors } = parseJson(readFileSync(inRoot("schemas/vectors", file), "utf8")) as {
      type: string;
      vectors: Vector[];
    };
    it(`${vectors.length} of ${type}`, () => {
      const validate = validator(type);
      for (const vector of vectors) checkVector(validate, vector);
    });
  }

  it("there are some of every type", () => {
    assert.equal(readdirSync(inRoot("schemas/vectors")).length, source.types.length);
  });
});

describe("the contract in Rust", () => {
  it("golden vectors: cargo test -p lakegate-contract", () => {
    const manifest = inRoot("native/Cargo.toml");
    const args = ["test", "--release", "--locked", "--package", "lakegate-contract", "--manifest-path", manifest];
    const environment = { ...process.env, ...cargoEnvironment };
    const { status, stdout, stderr } = spawnSync("cargo", args, { encoding: "utf8", env: environment });
    assert.equal(status, 0, `${stdout}\n${stderr}`.slice(-6000));
  });
});

describe("random values in both languages", () => {
  let rust: LinePeer;

  before(() => {
    rust = new LinePeer(verdictProgram, []);
  });
  after(() => rust.stop());

  for (const { schema } of rustTypes(source)) {
    const type = String(schema.title);
    it(type, async () => {
      const validate = validator(type);
      const values = valuesOf(schema).filter((value) => typeof value !== "bigint");
      const property = fc.asyncProperty(
        fc.oneof(
          values,
          changed(values).filter((value) => typeof value !== "bigint"),
        ),
        async (value) => {
          const [ours, theirs] = await bothVerdicts(rust, type, validate, value);
          assert.equal("complete" in ours, "complete" in theirs, `${JSON.stringify(ours)} ${JSON.stringify(theirs)}`);
          if ("complete" in ours && "complete" in theirs)
            assert.deepEqual(rounded(fields(ours), fields(theirs)), fields(theirs));
        },
      );
      await fc.assert(property, { numRuns: runs });
    });
  }
});

describe("errors", () => {
  const table = Object.entries(errorTable);

  it("are the same in Rust and TypeScript", async () => {
    const rust = new LinePeer(verdictProgram, []);
    const codes = await rust.ask<unknown[]>({ errors: true });
    await rust.stop();
    assert.deepEqual(
      codes,
      table.map(([code, { kind, retryable }]) => [code, kind, retryable]),
    );
  });

  it("are the same in the reference and TypeScript", () => {
    const text = readFileSync(inRoot("schemas/generated/REFERENCE.md"), "utf8");
    const rows = [...text.matchAll(/^\| `(\w+)` \| (\d{3}) \| `(\w+)` \| (yes|no) \| (.+) \| (.+) \|$/gm)];
    assert.deepEqual(
      rows.map(([, code, status, kind, retryable, title, description]) => [
        code,
        { status: Number(status), kind, retryable: retryable === "yes", title, description },
      ]),
      table,
    );
  });

  it("the reference has every type", () => {
    const text = readFileSync(inRoot("schemas/generated/REFERENCE.md"), "utf8");
    const headings = [...text.matchAll(/^### (\w+)$/gm)].map(([, title]) => String(title));
    assert.deepEqual(headings.toSorted(), [...ids.keys()].toSorted());
  });
});

type Validate = (value: unknown) => { value: unknown } | { error: Error };

function validator(type: string): Validate {
  const schema = { $ref: ids.get(type) };
  return compile({ schema, method: "POST", url: "/", httpPart: "body" }) as Validate;
}

function checkVector(validate: Validate, { name, json, msgpack, valid, complete }: Vector): void {
  if (msgpack !== undefined) {
    assert.equal(encode(json).toString("hex"), msgpack, name);
    assert.deepEqual(decode(Buffer.from(msgpack, "hex")), json, name);
  }
  const verdict = validate(structuredClone(json));
  assert.equal("value" in verdict, valid, `${name}: ${"error" in verdict ? verdict.error.message : "is taken"}`);
  if ("value" in verdict && complete !== undefined)
    assert.deepEqual(decode(Buffer.from(complete, "hex")), verdict.value, name);
}

async function bothVerdicts(
  rust: LinePeer,
  type: string,
  validate: Validate,
  value: unknown,
): Promise<[Verdict, Verdict]> {
  const json = stringifyJson(value);
  const theirs = await rust.ask<Verdict>({ type, json, msgpack: messagePack(value)?.toString("hex") });
  const verdict = validate(parseJson(json));
  if ("error" in verdict) return [{ reason: verdict.error.message }, theirs];
  return [{ complete: encode(verdict.value).toString("hex") }, theirs];
}

function messagePack(value: unknown): Buffer | undefined {
  try {
    return encode(value);
  } catch {
    return undefined;
  }
}

function fields({ complete }: { complete: string }): unknown {
  return decode(Buffer.from(complete, "hex"));
}

/** Long integers as the doubles that Rust makes of them where the schema says number. */
function rounded(ours: unknown, theirs: unknown): unknown {
  if (typeof ours === "bigint" && typeof theirs === "number") return Number(ours);
  if (Array.isArray(ours)) return ours.map((inner, index) => rounded(inner, (theirs as unknown[])[index]));
  if (ours === null || typeof ours !== "object") return ours;
  const other = theirs as Record<string, unknown>;
  return Object.fromEntries(Object.entries(ours).map(([key, inner]) => [key, rounded(inner, other[key])]));
}
