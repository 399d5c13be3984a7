/** What can happen to a file behind the back of the server that wrote it. */

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import type { SeededRandom } from "./seeded-random.js";

export type Damage = (path: string, others: readonly string[], random: SeededRandom) => void;

/** Of damage that the file's time and size don't show. */
export const unnoticed = "unnoticed";

export const damages: Readonly<Record<string, Damage>> = {
  "flipped bits": (path, _others, random) => flip(path, random, random.between(1, 8)),
  [`a bit flipped ${unnoticed}`]: (path, _others, random) => {
    const before = `${path}.before`;
    execFileSync("cp", ["-p", path, before]);
    flip(path, random, 1);
    execFileSync("touch", ["-r", before, path]);
    rmSync(before);
  },
  "a flipped bit near its end": (path, _others, random) =>
    flip(path, random, 1, Math.max(0, statSync(path).size - 600)),
  "cut short": (path, _others, random) => truncateSync(path, random.below(statSync(path).size)),
  emptied: (path) => truncateSync(path, 0),
  "zeros at its beginning": (path, _others, random) =>
    inPlace(path, (file) => void writeSync(file, Buffer.alloc(random.between(1, 4096)), 0)),
  "more at its end": (path, _others, random) => appendFileSync(path, Buffer.alloc(random.between(1, 300), 0x4c)),
  "twice itself": (path) => appendFileSync(path, readFileSync(path)),
  "another's file in its place": (path, others, random) => copyFileSync(random.pick(others), path),
  "swapped with another": (path, others, random) => {
    const other = random.pick(others);
    renameSync(path, `${path}.swapped`);
    renameSync(other, path);
    renameSync(`${path}.swapped`, other);
  },
  "a text in its place": (path) => writeFileSync(path, "LGRESULT"),
  removed: (path) => rmSync(path),
  "as it was, but written again": (path) => {
    writeFileSync(path, readFileSync(path));
    utimesSync(path, new Date(0), new Date(0));
  },
};

/** Flips bits in place, from some byte on; the server may remove the file meanwhile. */
export function flip(path: string, random: SeededRandom, count: number, from = 0): void {
  inPlace(path, (file) => {
    const { size } = fstatSync(file);
    const byte = Buffer.alloc(1);
    for (let turn = 0; turn < count && size > from; turn++) {
      const at = random.between(from, size - 1);
      readSync(file, byte, 0, 1, at);
      byte.writeUInt8(byte.readUInt8() ^ (1 << random.below(8)));
      writeSync(file, byte, 0, 1, at);
    }
  });
}

function inPlace(path: string, change: (file: number) => void): void {
  const file = openSync(path, "r+");
  try {
    change(file);
  } finally {
    closeSync(file);
  }
}
