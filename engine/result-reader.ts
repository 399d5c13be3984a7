/** Reads kept results in any format: as they were encoded last, as the file is, or encoded anew. */
import type { StoredFormat } from "../schemas/generated/index.js";
import { EncodedResults, largestEncoded } from "./encoded-results.js";
import { type Encoding, variantOf } from "./encoding.js";
import { isDamage, type KeptResults } from "./kept-results.js";
import type { NativeQuery, NativeSession, NativeStoredResult } from "./native.js";
import { FileBody, type ResultBody, RunningBody } from "./result-body.js";

/** Which rows of a result. */
export interface RowRange {
  readonly offset?: number;
  readonly limit?: number;
}

export class ResultReader {
  readonly encoded: EncodedResults;
  readonly #kept: KeptResults;
  readonly #session: NativeSession;

  constructor(kept: KeptResults, session: NativeSession, memoryBytes: number) {
    this.#kept = kept;
    this.#session = session;
    this.encoded = new EncodedResults(memoryBytes);
  }

  /** All of a result; undefined where it isn't kept. */
  async whole(key: string, encoding: Encoding): Promise<ResultBody | undefined> {
    const encoded = this.encoded.get(key, variantOf(encoding));
    if (encoded !== undefined && this.#kept.use(key, encoded.revision)) return encoded;
    return unlessDamaged(async () => {
      const body = isStored(encoding.format) && (await this.#sent(key, encoding.format));
      return body || this.#encode(key, encoding);
    });
  }

  /** Some rows of a result; undefined where it isn't kept. */
  async rows(key: string, encoding: Encoding, range: RowRange): Promise<ResultBody | undefined> {
    return unlessDamaged(async () => {
      const arrow = await this.#kept.open(key);
      if (arrow === undefined) return undefined;
      const native = this.#native(key, encoding, range);
      return new RunningBody(native, await native.start(), arrow.description.revision);
    });
  }

  /** The file of a result in a format that it can be kept in, made where it isn't there yet. */
  async file(key: string, format: StoredFormat): Promise<NativeStoredResult | undefined> {
    const file = await this.#kept.open(key, format);
    if (file !== undefined || format === "arrow") return file;
    return unlessDamaged(async () => {
      const arrow = await this.#kept.open(key);
      if (arrow === undefined) return undefined;
      const native = this.#native(key, { format });
      const { revision } = arrow.description;
      const keeping = this.#kept.keep(native, key, { format, revision });
      await native.start();
      await native.drain();
      await keeping?.done;
      return this.#kept.open(key, format);
    });
  }

  /** Some bytes of a file; undefined where they are damaged. */
  part(key: string, file: NativeStoredResult, start: number, end: number): Promise<ResultBody | undefined> {
    const damaged = (error: unknown) => this.#kept.discard(key, file.description.format, error);
    return unlessDamaged(() => FileBody.open(file, { start, end, damaged }));
  }

  /** The file as it is. */
  async #sent(key: string, format: StoredFormat): Promise<ResultBody | undefined> {
    const file = await this.#kept.open(key, format);
    return file && this.part(key, file, 0, file.description.byte_count);
  }

  async #encode(key: string, encoding: Encoding): Promise<ResultBody | undefined> {
    const arrow = await this.#kept.open(key);
    if (arrow === undefined) return undefined;
    const native = this.#native(key, encoding);
    const keep = (whole: Buffer) => this.encoded.set(key, variantOf(encoding), whole, arrow.description);
    const started = await native.start();
    return new RunningBody(native, started, arrow.description.revision, { largest: largestEncoded, keep });
  }

  #native(key: string, { format, ...style }: Encoding, range: RowRange = {}): NativeQuery {
    const native = this.#session.stored(format, { path: this.#kept.path(key), key, ...style, ...range });
    native.ended.then(() => {
      const { error } = native.summary();
      if (error?.code === "result_expired") this.#kept.discard(key, "arrow", error);
    });
    return native;
  }
}

function isStored(format: Encoding["format"]): format is StoredFormat {
  return format === "arrow" || format === "parquet";
}

/** Nothing has been sent yet: what can't be read is as good as not kept. */
async function unlessDamaged<T>(open: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}
