/** The bytes of a body without the coding that its Content-Encoding names, as fast as they are read. */
import { finished, type Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { DataFusionEngineError } from "../engine/index.js";
import { arrivingBytes, brokenOff } from "./arriving-bytes.js";
import { unzstd } from "./unzstd.js";

type Decoder = (payload: Readable) => AsyncIterable<Buffer>;

const decoders = new Map<string, Decoder>([
  ["br", (payload) => through(payload, createBrotliDecompress())],
  ["deflate", (payload) => through(payload, createInflate())],
  ["gzip", (payload) => through(payload, createGunzip())],
  ["zstd", (payload) => unzstd(arrivingBytes(payload))],
]);

export const contentCodings: readonly string[] = [...decoders.keys()];

export function decodedBytes(payload: Readable, coding = "identity"): AsyncIterable<Buffer> {
  const name = coding.toLowerCase();
  if (name === "identity") return arrivingBytes(payload);
  const decoder = decoders.get(name);
  if (decoder === undefined) throw unknownCoding(coding);
  return explained(decoder(payload), name);
}

async function* through(payload: Readable, decoder: Transform): AsyncGenerator<Buffer> {
  finished(payload, { writable: false }, (error) => error && decoder.destroy(brokenOff(error)));
  yield* payload.pipe(decoder);
}

async function* explained(bytes: AsyncIterable<Buffer>, coding: string): AsyncGenerator<Buffer> {
  try {
    yield* bytes;
  } catch (cause) {
    if (cause instanceof DataFusionEngineError) throw cause;
    const message = `The body is not valid ${coding}: ${(cause as Error).message}.`;
    throw new DataFusionEngineError(message, { code: "invalid_body", cause });
  }
}

function unknownCoding(coding: string): DataFusionEngineError {
  const detail = `A body comes as it is or as one of ${contentCodings.join(", ")}, not as ${coding}.`;
  return new DataFusionEngineError(detail, { code: "unsupported_media_type" });
}
