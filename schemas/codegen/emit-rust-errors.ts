/** Writes the error codes and kinds for Rust; the HTTP status stays on the TypeScript side, since the core knows no HTTP. */
import type { ErrorEntry, Source } from "./load.js";
import { origin, pascalCase } from "./names.js";

const derives = "Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize";

export function emitRustErrors({ errors }: Source): string {
  const codes = Object.entries(errors.codes);
  const kinds = Object.entries(errors.kinds);
  const parts = [
    `//! The closed list of errors. ${origin}\n\nuse super::wire::text_enum;\nuse serde::{Deserialize, Serialize};`,
    emitEnum(
      "ErrorCode",
      "What went wrong.",
      codes.map(([code, { description }]) => [code, description]),
    ),
    emitCodeMethods(codes),
    emitEnum("ErrorKind", "Which part of the system an error comes from.", kinds),
    `impl ErrorKind {\n${emitNames("The kind as clients see it.", Object.keys(errors.kinds))}\n}`,
  ];
  return `${parts.join("\n\n")}\n`;
}

function emitEnum(title: string, description: string, entries: [string, string][]): string {
  const variants = entries.map(
    ([name, text]) => `    /// ${text}\n    #[serde(rename = "${name}")]\n    ${pascalCase(name)},`,
  );
  return [
    `/// ${description}`,
    `#[derive(${derives})]`,
    '#[serde(remote = "Self")]',
    `pub enum ${title} {`,
    ...variants,
    "}",
    "",
    `text_enum!(${title});`,
  ].join("\n");
}

function emitCodeMethods(codes: [string, ErrorEntry][]): string {
  const names = emitNames(
    "The code as clients see it.",
    codes.map(([code]) => code),
  );
  const kinds = emitMatch(
    "The kind that an error with this code has.",
    "kind",
    "ErrorKind",
    codes,
    (code, { kind }) => {
      return `Self::${pascalCase(code)} => ErrorKind::${pascalCase(kind)},`;
    },
  );
  const retryable = emitMatch(
    "Whether the same request may succeed later.",
    "retryable",
    "bool",
    codes,
    (code, entry) => {
      return `Self::${pascalCase(code)} => ${entry.retryable},`;
    },
  );
  return ["impl ErrorCode {", [emitAll(codes), names, kinds, retryable].join("\n\n"), "}"].join("\n");
}

function emitAll(codes: [string, ErrorEntry][]): string {
  const variants = codes.map(([code]) => `        Self::${pascalCase(code)},`);
  return [
    "    /// Every code, in the order of the table.",
    "    pub const ALL: &[Self] = &[",
    ...variants,
    "    ];",
  ].join("\n");
}

function emitNames(description: string, names: string[]): string {
  const arms = names.map((name) => `            Self::${pascalCase(name)} => "${name}",`);
  return emitMethod(description, "as_str", "&'static str", arms);
}

function emitMatch(
  description: string,
  name: string,
  type: string,
  codes: [string, ErrorEntry][],
  arm: (code: string, entry: ErrorEntry) => string,
): string {
  const arms = codes.map(([code, entry]) => `            ${arm(code, entry)}`);
  return emitMethod(description, name, type, arms);
}

function emitMethod(description: string, name: string, type: string, arms: string[]): string {
  return [
    `    /// ${description}`,
    `    pub fn ${name}(self) -> ${type} {`,
    "        match self {",
    ...arms,
    "        }",
    "    }",
  ].join("\n");
}
