/** Follows the system calls by which a process changes the files of a folder or answers a client; Linux on x86-64, with Python. */
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import { inRoot } from "../../setup/places.mjs";
import { hasPython } from "../../setup/python.mjs";

export interface SystemCall {
  /** Counts from 1, over all threads. */
  n: number;
  call: string;
  paths: string[];
}

export type Following =
  | { mode: "list" }
  /** The process is killed at the entry of this call. */
  | { mode: "kill"; at: number }
  /** This call on the folder fails. */
  | { mode: "fail"; at: number; error: "ENOSPC" | "EIO" }
  /** The thread waits at its first call on a path with this part. */
  | { mode: "hold"; part: string };

/** For the `skip` option of a test. */
export const withoutSystemCalls =
  process.platform === "linux" && process.arch === "x64" && hasPython()
    ? false
    : "system calls are followed on Linux on x86-64, with python3";

export class SystemCalls {
  readonly calls: SystemCall[] = [];
  /** Resolves when a thread waits. */
  readonly held: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #said = new EventEmitter();
  readonly #ready: Promise<unknown>;

  private constructor(pid: number, folder: string, following: Following) {
    this.#child = spawn("python3", commandLine(pid, folder, following), { stdio: ["pipe", "pipe", "inherit"] });
    this.#ready = once(this.#said, "ready");
    this.held = once(this.#said, "held");
    this.held.catch(() => {});
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on("line", (line) => this.#hear(line));
    this.#said.on("error", () => {});
    this.#child.once("exit", (code) => this.#said.emit("error", new Error(`system_calls.py ended with ${code}`)));
  }

  #hear(line: string): void {
    const said = JSON.parse(line);
    if (said.n) this.calls.push(said);
    else this.#said.emit(Object.keys(said)[0] ?? "nothing");
  }

  static async of(pid: number, folder: string, following: Following): Promise<SystemCalls> {
    const made = new SystemCalls(pid, folder, following);
    await made.#ready;
    return made;
  }

  /** Lets the thread that is held go on. */
  release(): void {
    this.#child.stdin?.write("\n");
  }

  /** Lets the process go on by itself. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "close");
  }
}

function commandLine(pid: number, folder: string, following: Following): string[] {
  const command = [inRoot("test/faults/system_calls.py"), String(pid), folder, following.mode];
  if (following.mode === "kill") return [...command, String(following.at)];
  if (following.mode === "fail") return [...command, String(following.at), following.error];
  return following.mode === "hold" ? [...command, "0", following.part] : command;
}
