/** Reads kept results in any format: as they were encoded last, as the file is, or encoded anew. */
import type { NumberStyle, ResultFormat, RowFormat, StoredFormat } from "../schemas/generated/index.js";
import { EncodedResults, largestEncoded } from "./encoded-results.js";
import type { KeptResults } from "./kept-results.js";
import type { NativeSession, NativeStoredResult } from "./native.js";
import { FileBody, type ResultBody, RunningBody } from "./result-body.js";

/** How the rows of a result are written. */
export interface Encoding {
  readonly format: ResultFormat;
  readonly numbers?: NumberStyle;
  readonly row_format?: RowFormat;
}

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
    const { format } = encoding;
    const encoded = this.encoded.get(key, variantOf(encoding));
    if (encoded !== undefined) return encoded;
    const file = format === "arrow" || format === "parquet" ? await this.#kept.open(key, format) : undefined;
    if (file !== undefined) return FileBody.open(file);
    const arrow = await this.#kept.open(key);
    return arrow && this.#encode(key, arrow, encoding);
  }

  /** Some rows of a result; undefined where it isn't kept. */
  async rows(key: string, encoding: Encoding, range: RowRange): Promise<ResultBody | undefined> {
    const arrow = await this.#kept.open(key);
    if (arrow === undefined) return undefined;
    const native = this.#native(key, encoding, range);
    return new RunningBody(native, await native.start(), arrow.description.revision);
  }

  /** The file of a result in a format that it can be kept in, made where it isn't there yet. */
  async file(key: string, format: StoredFormat): Promise<NativeStoredResult | undefined> {
    const file = await this.#kept.open(key, format);
    if (file !== undefined || format === "arrow") return file;
    const arrow = await this.#kept.open(key);
    if (arrow === undefined) return undefined;
    const native = this.#native(key, { format });
    const { revision } = arrow.description;
    const keeping = this.#kept.keep(native, key, { format, revision });
    await native.start();
    await native.drain();
    await keeping?.done;
    return this.#kept.open(key, format);
  }

  async #encode(key: string, arrow: NativeStoredResult, encoding: Encoding): Promise<ResultBody> {
    const native = this.#native(key, encoding);
    const keep = (whole: Buffer) => this.encoded.set(key, variantOf(encoding), whole, arrow.description);
    const started = await native.start();
    return new RunningBody(native, started, arrow.description.revision, { largest: largestEncoded, keep });
  }

  #native(key: string, { format, ...style }: Encoding, range: RowRange = {}) {
    return this.#session.stored(format, { path: this.#kept.path(key), key, ...style, ...range });
  }
}

/** How the bytes of a result differ where the format leaves it open. */
export function variantOf({ format, numbers = "number", row_format = "object" }: Encoding): string {
  const hasNumbers = format === "json" || format === "ndjson";
  const hasRows = hasNumbers || format === "msgpack";
  return `${format}${hasNumbers && numbers === "string" ? ".string" : ""}${hasRows && row_format === "array" ? ".array" : ""}`;
}
