/** The range of bytes that a request asks for (RFC 9110, section 14). */
export interface ByteRange {
  readonly start: number;
  /** The byte after the last one; not after `start` where there is no such byte. */
  readonly end: number;
}

const single = /^bytes=\s*(\d*)-(\d*)\s*$/i;

/** Undefined where all bytes are to be sent: for several ranges at once too, as the standard allows. */
export function byteRange(header: string, size: number): ByteRange | undefined {
  const [, first, last] = single.exec(header) ?? [];
  if (first === undefined || last === undefined || first + last === "") return undefined;
  if (first === "") return { start: Math.max(size - Number(last), 0), end: size };
  if (last !== "" && Number(last) < Number(first)) return undefined;
  return { start: Number(first), end: last === "" ? size : Math.min(Number(last) + 1, size) };
}
