/** Answers that are others than DataFusion's runner has, and why they are right all the same, or what is missing. */

interface Difference {
  readonly reason: string;
  /** What the statement or what came of it says. */
  readonly sign: RegExp;
}

const differences: readonly Difference[] = [];

export function differenceOf(sql: string, said: string): string | undefined {
  return differences.find(({ sign }) => sign.test(sql) || sign.test(said))?.reason;
}
