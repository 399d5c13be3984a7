/** Work that runs in the engine, noted in a file that outlives a crash of the process: what ran then is known afterwards. */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { parseJson, stringifyJson } from "./json.js";
import type { Log } from "./log.js";
import type { HistoryEntry } from "./query-history.js";

/** A statement, or an operation on a table, while it runs. */
export interface RunningWork {
  /** Differs between any two that run. */
  readonly id: string;
  /** Equal for equal texts. */
  readonly statement: string;
  /** The text; a long one is cut. */
  readonly sql: string;
  /** What the history will say, where it is a query. */
  readonly entry?: HistoryEntry;
}

/** The file is cut to what still runs beyond this. */
const longestBytes = 4 << 20;

export class RunningWorkLog {
  readonly #path: string;
  readonly #log: Log;
  readonly #running = new Map<string, string>();
  #file: number | undefined;
  /** Lines that are not written yet. */
  #ends = "";
  #bytes = 0;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** What ran when the process before ended; from now on the file is this one's. */
  take(): RunningWork[] {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const left = this.#unfinished();
    this.#rewrite();
    return left;
  }

  begin(work: RunningWork): void {
    const line = `${stringifyJson({ begin: work })}\n`;
    this.#running.set(work.id, line);
    this.#write(line);
  }

  /** Noted with what begins next, or when what is at hand is done: then as one with others. */
  end(id: string): void {
    if (!this.#running.delete(id)) return;
    if (this.#ends === "") setImmediate(() => this.#writeEnds());
    this.#ends += `${stringifyJson({ end: id })}\n`;
  }

  #writeEnds(): void {
    if (this.#ends !== "") this.#write("");
  }

  /** Work goes on where it can't be noted, as on a full disk. Nothing is synced: what is written outlives the process. */
  #write(line: string): void {
    const lines = this.#ends + line;
    this.#ends = "";
    try {
      const file = this.#file ?? this.#rewrite();
      if (this.#running.size > 0) this.#bytes += writeSync(file, lines);
      else this.#empty(file);
      if (this.#bytes > longestBytes) this.#rewrite();
    } catch (err) {
      this.#log.warn({ err }, "running work isn't noted");
    }
  }

  #empty(file: number): void {
    ftruncateSync(file);
    this.#bytes = 0;
  }

  #unfinished(): RunningWork[] {
    const running = new Map<string, RunningWork>();
    for (const text of linesOf(this.#path)) {
      const { begin, end } = this.#line(text);
      if (begin !== undefined) running.set(begin.id, begin);
      if (end !== undefined) running.delete(end);
    }
    return [...running.values()];
  }

  /** A line that a full disk cut short is of no use. */
  #line(text: string): Line {
    try {
      return parseJson(text) as Line;
    } catch (err) {
      this.#log.warn({ err }, "a note of running work can't be read");
      return {};
    }
  }

  #rewrite(): number {
    const lines = [...this.#running.values()].join("");
    const next = `${this.#path}.next`;
    writeFileSync(next, lines, { mode: 0o600 });
    renameSync(next, this.#path);
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = openSync(this.#path, "a");
    this.#bytes = lines.length;
    return this.#file;
  }
}

interface Line {
  readonly begin?: RunningWork;
  readonly end?: string;
}

/** Without what follows the last line: a crash may have cut it short. */
function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
}
