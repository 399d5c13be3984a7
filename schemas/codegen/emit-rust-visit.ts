/** Writes the way to a Rust type by its title, for tests that ask both sides for a verdict. */
import type { Source } from "./load.js";
import { origin } from "./names.js";
import { rustTypes } from "./rust-shapes.js";

export function emitRustVisit(source: Source): string {
  const titles = rustTypes(source).map(({ schema }) => String(schema.title));
  const lines = [
    `//! The types by their titles. ${origin}`,
    "",
    "use super::types::*;",
    "use super::violation::Validate;",
    "use serde::{Serialize, de::DeserializeOwned};",
    "",
    "/// What is done with a type.",
    "pub trait TypeVisitor {",
    "    type Output;",
    "",
    "    fn visit<T: Serialize + DeserializeOwned + Validate + PartialEq>(self) -> Self::Output;",
    "}",
    "",
    "/// The titles of all types.",
    "pub const TITLES: &[&str] = &[",
    ...titles.map((title) => `    "${title}",`),
    "];",
    "",
    "/// Shows the visitor the type with this title; `None` when there is no such type.",
    "pub fn visit_type<V: TypeVisitor>(title: &str, visitor: V) -> Option<V::Output> {",
    "    match title {",
    ...titles.map((title) => `        "${title}" => Some(visitor.visit::<${title}>()),`),
    "        _ => None,",
    "    }",
    "}",
  ];
  return `${lines.join("\n")}\n`;
}
