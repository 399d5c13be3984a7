/** The few figures that a benchmark reports of its rounds. */
export interface Spread {
  median: number;
  lowest: number;
  highest: number;
}

export function spread(values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), lowest: sorted[0] ?? Number.NaN, highest: sorted.at(-1) ?? Number.NaN };
}

/** The quantile of values that are sorted already. */
export function quantile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The spread of ours / theirs, round by round: what both suffered from the machine cancels out. */
export function ratios(ours: number[], theirs: number[]): Spread {
  return spread(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)));
}

export function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
