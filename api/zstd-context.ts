/** What the Zstandard decoder knows of one stream: the window and its buffers, which live outside the reach of the garbage collector. */
import { DataFusionEngineError } from "../engine/index.js";
import type { ZstdLibrary } from "./zstd-library.js";

export interface Step {
  readonly output: Buffer;
  readonly consumed: number;
  readonly isFrameEnd: boolean;
  /** Whether there may be more output without more input. */
  readonly isFull: boolean;
}

/** The most input of a step. */
const inputSize = 2 ** 16;
/** The size of `ZSTD_inBuffer` and `ZSTD_outBuffer`: an address, a size and a position. */
const bufferSize = 12;
const outOfMemory = -64;
const faults: Readonly<Record<number, string>> = {
  [-10]: "it has bytes that begin no frame",
  [-22]: "its checksum is another",
  [-32]: "it needs a dictionary",
};

export class ZstdContext {
  readonly #library: ZstdLibrary;
  readonly #context: number;
  readonly #outputSize: number;
  readonly #memory: number;

  constructor(library: ZstdLibrary) {
    this.#library = library;
    this.#outputSize = library.ZSTD_DStreamOutSize();
    this.#context = library.ZSTD_createDCtx();
    this.#memory = library.malloc(2 * bufferSize + inputSize + this.#outputSize);
    if (this.#context === 0 || this.#memory === 0) throw noMemory();
  }

  free(): void {
    this.#library.ZSTD_freeDCtx(this.#context);
    this.#library.free(this.#memory);
  }

  step(bytes: Buffer): Step {
    const input = this.#memory;
    const output = input + bufferSize;
    const source = output + bufferSize;
    const target = source + inputSize;
    const given = bytes.subarray(0, inputSize);
    this.#bytes().set(given, source);
    this.#describe(input, source, given.length);
    this.#describe(output, target, this.#outputSize);
    const left = this.#library.ZSTD_decompressStream(this.#context, output, input);
    if (left < 0) throw left === outOfMemory ? noMemory() : new Error(faults[left] ?? "it is corrupt");
    const written = this.#position(output);
    return {
      output: Buffer.from(this.#bytes().subarray(target, target + written)),
      consumed: this.#position(input),
      isFrameEnd: left === 0,
      isFull: written === this.#outputSize,
    };
  }

  #describe(buffer: number, address: number, size: number): void {
    new Uint32Array(this.#library.memory.buffer, buffer, 3).set([address, size, 0]);
  }

  #position(buffer: number): number {
    return new Uint32Array(this.#library.memory.buffer, buffer, 3)[2] ?? 0;
  }

  /** The memory may grow, and be another, with every call. */
  #bytes(): Uint8Array {
    return new Uint8Array(this.#library.memory.buffer);
  }
}

function noMemory(): DataFusionEngineError {
  return new DataFusionEngineError("There is no memory to decompress the body.", { code: "service_unavailable" });
}
