/** Writes the error table for TypeScript, the one place that knows HTTP statuses. */
import type { Source } from "./load.js";
import { origin } from "./names.js";

export function emitTypescriptErrors({ errors }: Source): string {
  const rows = JSON.stringify(errors.codes, null, 2);
  return `/** What each error code means to a client. ${origin} */
import type { ErrorCode, ErrorKind } from "./types.js";

export interface ErrorMeaning {
  readonly status: number;
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  readonly title: string;
  readonly description: string;
}

export const errorTable: Readonly<Record<ErrorCode, ErrorMeaning>> = ${rows};
`;
}
