/** The rows of a body for the engine: as they stream in, or those of a MessagePack body as JSON. */
import type { FastifyRequest } from "fastify";
import type { IncomingRows, RowFormat } from "../engine/index.js";
import { stringifyJson } from "../engine/index.js";
import { json, rowMediaTypes } from "../routes/index.js";
import { RowStream } from "./row-stream.js";

const formats = new Map<string, RowFormat>(
  Object.entries(rowMediaTypes).map(([format, type]) => [type, format as RowFormat]),
);

/** Undefined where the body is no rows. */
export function incomingRows({ body, mediaType = json }: FastifyRequest): IncomingRows | undefined {
  if (body instanceof RowStream) return { format: formats.get(mediaType) ?? "json", bytes: body, whole: body.whole };
  return Array.isArray(body) ? { format: "json", bytes: asJson(body) } : undefined;
}

async function* asJson(rows: unknown[]): AsyncGenerator<Uint8Array> {
  yield Buffer.from(stringifyJson(rows.map(withHexadecimal)));
}

/** Bytes are hexadecimal in JSON. */
function withHexadecimal(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(withHexadecimal);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withHexadecimal(inner)]));
}
