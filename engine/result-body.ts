/** The bytes of a result in one format, from wherever they come. */
import type { QueryHead, QuerySummary } from "../schemas/generated/index.js";
import type { NativeQuery, NativeStoredResult, StartedQuery } from "./native.js";

export interface ResultBody {
  readonly head: QueryHead;
  /** Tells these bytes from those of any other computation of the result. */
  readonly revision: string;
  readonly first: Buffer;
  /** Whether `first` is all. */
  readonly complete: boolean;
  /** How many bytes there are in all, where that is known before the last one. */
  readonly length?: number;
  /** The bytes that follow; null when there are no more. */
  next(): Promise<Buffer | null>;
  /** Waits for the end without taking the bytes. */
  drain(): Promise<void>;
  summary(): QuerySummary;
  cancel(): void;
}

/** What a kept result says of itself in place of a query that ran. */
export interface KeptFacts {
  readonly head: QueryHead;
  readonly revision: string;
  readonly row_count: number;
  readonly truncated: boolean;
}

/** Bytes in memory. */
export class MemoryBody implements ResultBody {
  readonly head: QueryHead;
  readonly revision: string;
  readonly first: Buffer;
  readonly complete = true;
  readonly length: number;
  readonly #facts: KeptFacts;

  constructor(bytes: Buffer, facts: KeptFacts) {
    this.head = facts.head;
    this.revision = facts.revision;
    this.first = bytes;
    this.length = bytes.length;
    this.#facts = facts;
  }

  async next(): Promise<null> {
    return null;
  }

  async drain(): Promise<void> {}

  summary(): QuerySummary {
    return keptSummary(this.#facts, this.length);
  }

  cancel(): void {}
}

/** What is sent of a file. */
interface FilePart {
  readonly start: number;
  /** The byte after the last one. */
  readonly end: number;
  /** Told when the bytes can't be read. */
  readonly damaged: (error: unknown) => void;
}

/** A file that is sent as it is, whole or from one byte to another. */
export class FileBody implements ResultBody {
  readonly head: QueryHead;
  readonly revision: string;
  readonly first: Buffer;
  readonly complete: boolean;
  readonly length: number;
  readonly #file: NativeStoredResult;
  readonly #damaged: FilePart["damaged"];
  readonly #end: number;
  #next: number;

  private constructor(file: NativeStoredResult, { start, end, damaged }: FilePart, first: Buffer) {
    this.head = file.description.head;
    this.revision = file.description.revision;
    this.first = first;
    this.length = end - start;
    this.complete = first.length === this.length;
    this.#file = file;
    this.#damaged = damaged;
    this.#end = end;
    this.#next = start + first.length;
  }

  static async open(file: NativeStoredResult, part: FilePart): Promise<FileBody> {
    return new FileBody(file, part, await read(file, part));
  }

  async next(): Promise<Buffer | null> {
    if (this.#next >= this.#end) return null;
    const bytes = await read(this.#file, { start: this.#next, end: this.#end, damaged: this.#damaged });
    this.#next += bytes.length;
    return bytes;
  }

  async drain(): Promise<void> {}

  summary(): QuerySummary {
    return keptSummary(this.#file.description, this.length);
  }

  cancel(): void {
    this.#next = this.#end;
  }
}

async function read(file: NativeStoredResult, { start, end, damaged }: FilePart): Promise<Buffer> {
  try {
    return await file.read(start, end - start);
  } catch (error) {
    damaged(error);
    throw error;
  }
}

/** What a body that has been sent whole is good for. */
interface Keep {
  /** Bytes that it may have at most. */
  readonly largest: number;
  readonly keep: (whole: Buffer) => void;
}

/** A query that runs, or encodes a kept result. */
export class RunningBody implements ResultBody {
  readonly head: QueryHead;
  readonly revision: string;
  readonly first: Buffer;
  readonly complete: boolean;
  readonly #native: NativeQuery;
  readonly #keep: Keep | undefined;
  #taken: Buffer[] = [];
  #size = 0;

  constructor(native: NativeQuery, { head, chunk, complete }: StartedQuery, revision: string, keep?: Keep) {
    this.head = head;
    this.revision = revision;
    this.first = chunk;
    this.complete = complete;
    this.#native = native;
    this.#keep = keep;
    this.#take(chunk);
    if (complete) this.#end();
  }

  async next(): Promise<Buffer | null> {
    const chunk = await this.#native.next();
    if (chunk === null) this.#end();
    else this.#take(chunk);
    return chunk;
  }

  drain(): Promise<void> {
    return this.#native.drain();
  }

  summary(): QuerySummary {
    return this.#native.summary();
  }

  cancel(): void {
    this.#native.cancel();
  }

  #take(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#keep === undefined || this.#size > this.#keep.largest) this.#taken = [];
    else this.#taken.push(chunk);
  }

  #end(): void {
    if (this.#keep !== undefined && this.#size <= this.#keep.largest) this.#keep.keep(Buffer.concat(this.#taken));
    this.#taken = [];
  }
}

function keptSummary({ head, row_count, truncated }: KeptFacts, byte_count: number): QuerySummary {
  return { status: "SUCCEEDED", row_count, byte_count, truncated, ...head, stats: {} };
}
