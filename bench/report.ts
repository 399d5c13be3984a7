/** The lines of a benchmark's report, printed as they are known and kept for RESULTS.md. */
import type { Spread } from "./statistics.js";

export interface Row {
  figure: string;
  ours: string;
  peer: string;
  ratio: string;
  spread: string;
  goal: string;
}

export interface Report {
  title: string;
  rows: Row[];
  notes: string[];
}

const columns = ["figure", "ours", "peer", "ratio", "spread", "goal"] as const;

export function ratioRow(figure: string, ours: string, peer: string, ratio: Spread, goal: string): Row {
  const digits = ratio.median < 0.1 ? 4 : 2;
  return {
    figure,
    ours,
    peer,
    ratio: ratio.median.toFixed(digits),
    spread: `${ratio.lowest.toFixed(digits)}–${ratio.highest.toFixed(digits)}`,
    goal,
  };
}

export function plainRow(figure: string, ours: string, measured: Spread, goal: string): Row {
  return {
    figure,
    ours,
    peer: "",
    ratio: "",
    spread: `${measured.lowest.toFixed(0)}–${measured.highest.toFixed(0)}`,
    goal,
  };
}

export function markdown({ title, rows, notes }: Report): string {
  const lines = [columns, columns.map(() => "---"), ...rows.map((row) => columns.map((column) => row[column]))];
  const table = lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  return [`## ${title}`, table, ...notes.map((note) => `- ${note}`)]
    .join("\n\n")
    .replaceAll("\n\n- ", "\n- ")
    .replace("\n- ", "\n\n- ");
}

export function print({ title, rows, notes }: Report): void {
  console.log(`\n${title}`);
  console.table(rows);
  for (const note of notes) console.log(`  ${note}`);
}
