/** The decoder of Zstandard itself, in WebAssembly, by the functions of its streaming interface. */
import { ZSTDDecoder } from "zstddec/stream";

export interface ZstdLibrary {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(size: number): number;
  free(address: number): void;
  ZSTD_createDCtx(): number;
  ZSTD_freeDCtx(context: number): void;
  /** Zero at the end of a frame, negative where something is wrong. */
  ZSTD_decompressStream(context: number, output: number, input: number): number;
  ZSTD_DStreamOutSize(): number;
}

let library: ZstdLibrary | undefined;

/**
 * The package's own way to decode streams never ends on corrupt bytes, and frees nothing when its reader stops early: only what
 * it loads is used.
 */
class Loader extends ZSTDDecoder {
  override _init(result: Parameters<ZSTDDecoder["_init"]>[0]): void {
    library = result.instance.exports;
    super._init(result);
  }
}

export async function zstdLibrary(): Promise<ZstdLibrary> {
  if (library === undefined) await new Loader().init();
  return library as ZstdLibrary;
}
