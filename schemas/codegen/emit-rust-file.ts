/** Writes a Rust file that says something about each type. */
import type { SchemaFile, Source } from "./load.js";
import { RustShapes, rustTypes } from "./rust-shapes.js";
import { inFile } from "./shape-error.js";

export function emitRustFile(
  source: Source,
  head: readonly string[],
  emit: (file: SchemaFile, shapes: RustShapes) => string,
): string {
  const shapes = new RustShapes(source);
  const types = rustTypes(source).map((file) => inFile(file.path, () => emit(file, shapes)));
  return `${[head.join("\n"), ...types].join("\n\n")}\n`;
}
