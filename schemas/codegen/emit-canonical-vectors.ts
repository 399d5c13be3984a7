/** Writes the test vectors of canonical MessagePack: a value, its bytes and their SHA-256, or that it is refused. */
import { createHash } from "node:crypto";
import { canonicalBytes } from "./canonical-bytes.js";
import { type CanonicalCase, canonicalCases, refusedCases } from "./canonical-cases.js";
import { origin } from "./names.js";

/** Longer bytes are known by their hash only. */
const longest = 512;

/** A vector a line. */
export function emitCanonicalVectors(): string {
  const vectors = [...canonicalCases.map(vector), ...refusedCases.map(refusal)];
  const lines = vectors.map((each) => `    ${JSON.stringify(each)}`);
  return `{\n  "origin": ${JSON.stringify(origin)},\n  "vectors": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

function vector([name, value]: CanonicalCase): object {
  const bytes = canonicalBytes(value);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { name, value, ...(bytes.length <= longest && { bytes: bytes.toString("hex") }), sha256 };
}

function refusal([name, value]: CanonicalCase): object {
  return { name, value, refused: true };
}
