/** Writes the root of the crate that holds the generated Rust types. */
import { origin } from "./names.js";

export function emitRustModule(): string {
  const lines = [
    `//! What Rust and TypeScript agree on. ${origin}`,
    "",
    "mod date_time;",
    "mod error_code;",
    "mod rule;",
    "mod rules;",
    "mod types;",
    "mod violation;",
    "mod visit;",
    "mod wire;",
    "",
    "pub use error_code::{ErrorCode, ErrorKind};",
    "pub use types::*;",
    "pub use violation::{Validate, Verdict, Violation};",
    "pub use visit::{TITLES, TypeVisitor, visit_type};",
  ];
  return `${lines.join("\n")}\n`;
}
