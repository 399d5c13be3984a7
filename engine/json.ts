/** JSON whose integers survive: those beyond 2^53 are bigints. */
import { parse, stringify } from "lossless-json";

const longInteger = /\d{16}/;

/** The built-in writer is faster, but knows no bigints. */
export function stringifyJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return stringify(value) ?? "null";
  }
}

/** Throws a SyntaxError whose message names the position. */
export function parseJson(text: string): unknown {
  return longInteger.test(text) ? parseExactly(text) : parseFast(text);
}

/** The built-in parser is faster, but does not always say where it failed. */
function parseFast(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseExactly(text);
  }
}

function parseExactly(text: string): unknown {
  return parse(text, null, { parseNumber, onDuplicateKey: ({ newValue }) => newValue });
}

function parseNumber(text: string): number | bigint {
  const value = Number(text);
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(value) ? BigInt(text) : value;
}
