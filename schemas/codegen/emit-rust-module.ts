/** Writes the module file of the generated Rust types. */
import { origin } from "./names.js";

export function emitRustModule(): string {
  const lines = [
    `//! What Rust and TypeScript agree on. ${origin}`,
    "",
    "mod error_code;",
    "mod types;",
    "",
    "pub use error_code::{ErrorCode, ErrorKind};",
    "pub use types::*;",
  ];
  return `${lines.join("\n")}\n`;
}
