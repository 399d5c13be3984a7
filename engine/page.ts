/** One page of a list, with the cursor of the next. */
import type { PageSelection } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export const defaultLimit = 100;

/** Pages through items that are sorted by their key; the cursor holds the key of the last item shown. */
export function page<T>(items: readonly T[], selection: PageSelection, keyOf: (item: T) => string): Page<T> {
  const { limit = defaultLimit, cursor } = selection;
  const after = cursor === undefined ? undefined : keyIn(cursor);
  const rest = after === undefined ? items : items.filter((item) => keyOf(item) > after);
  const shown = rest.slice(0, limit);
  const last = shown.at(-1);
  const more = last !== undefined && rest.length > shown.length;
  return { items: shown, next_cursor: more ? cursorOf(keyOf(last)) : null };
}

export function cursorOf(key: string): string {
  return Buffer.from(key).toString("base64url");
}

export function keyIn(cursor: string): string {
  const key = Buffer.from(cursor, "base64url");
  if (key.length > 0 && key.toString("base64url") === cursor) return key.toString();
  throw new DataFusionEngineError("The cursor is not one that a list gave.", { code: "invalid_request" });
}
