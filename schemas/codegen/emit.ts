/** Makes the text of every generated file, by its path from the root of the repository. */
import { emitCanonicalVectors } from "./emit-canonical-vectors.js";
import { emitReference } from "./emit-reference.js";
import { emitRustErrors } from "./emit-rust-errors.js";
import { emitRustModule } from "./emit-rust-module.js";
import { emitRustRules } from "./emit-rust-rules.js";
import { emitRustTypes } from "./emit-rust-types.js";
import { emitRustVisit } from "./emit-rust-visit.js";
import { emitTypescriptErrors } from "./emit-typescript-errors.js";
import { emitTypescriptSchemas } from "./emit-typescript-schemas.js";
import { emitTypescriptTypes } from "./emit-typescript-types.js";
import { emitVectors } from "./emit-vectors.js";
import type { Source } from "./load.js";
import { origin } from "./names.js";

export async function emit(source: Source): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["schemas/generated/index.ts", emitIndex()],
    ["schemas/generated/types.ts", await emitTypescriptTypes(source)],
    ["schemas/generated/schemas.ts", emitTypescriptSchemas(source)],
    ["schemas/generated/errors.ts", emitTypescriptErrors(source)],
    ["schemas/generated/REFERENCE.md", emitReference(source)],
    ["native/contract/src/lib.rs", emitRustModule()],
    ["native/contract/src/types.rs", emitRustTypes(source)],
    ["native/contract/src/rules.rs", emitRustRules(source)],
    ["native/contract/src/visit.rs", emitRustVisit(source)],
    ["native/contract/src/error_code.rs", emitRustErrors(source)],
    ["schemas/canonical/vectors.json", emitCanonicalVectors()],
    ...emitVectors(source),
  ]);
}

function emitIndex(): string {
  return [
    `/** Every message and error of the API. ${origin} */`,
    'export * from "./errors.js";',
    'export * from "./schemas.js";',
    "",
  ].join("\n");
}
