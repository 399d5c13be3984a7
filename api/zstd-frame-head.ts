/** The first bytes of a Zstandard frame (RFC 8878, 3.1.1.1), refused where they ask for more memory than a body may take. */
import type { ByteSource } from "./byte-source.js";

const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** How much of what it has written a frame may have its reader remember (RFC 9659). */
const largestWindow = 2 ** 23;

/** What does not begin a frame of data is the decoder's to judge. */
export async function zstdFrameHead(source: ByteSource): Promise<Buffer> {
  const start = await source.take(4);
  return start.equals(magic) ? Buffer.concat([start, await header(source)]) : start;
}

async function header(source: ByteSource): Promise<Buffer> {
  const descriptor = await source.take(1);
  const flags = descriptor.readUInt8();
  const isSingleSegment = (flags & 0x20) !== 0;
  const window = await source.take(isSingleSegment ? 0 : 1);
  const dictionary = await source.take([0, 1, 2, 4][flags & 3] ?? 0);
  const size = await source.take([isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0);
  const wanted = isSingleSegment ? contentSize(size) : windowSize(window);
  if (wanted > largestWindow) throw new Error(`a window has at most ${largestWindow} bytes, not ${wanted}`);
  return Buffer.concat([descriptor, window, dictionary, size]);
}

function contentSize(field: Buffer): number {
  if (field.length === 8) return Number(field.readBigUInt64LE());
  return field.readUIntLE(0, field.length) + (field.length === 2 ? 256 : 0);
}

function windowSize(field: Buffer): number {
  const byte = field.readUInt8();
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
}
