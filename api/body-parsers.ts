/** Turns the bytes of a body into a value, or into a stream of rows, by its media type and what its route takes. */
import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { bodyHasWideNumbers, DataFusionEngineError, decode, parseJson } from "../engine/index.js";
import { json, messagePack, rowMediaTypes, sqlText } from "../routes/index.js";
import { schemas } from "../schemas/generated/index.js";
import { type BodySchema, mayBeAbsent } from "./may-be-absent.js";
import { RowStream } from "./row-stream.js";
import { bodyMediaTypes, unsupportedMediaType } from "./unsupported-media-type.js";
import { wholeBody } from "./whole-body.js";

export interface BodyLimits {
  /** Bytes of a body that is read whole. */
  readonly bodyLimit: number;
  /** Values in such a body. */
  readonly bodyValues: number;
  /** Bytes of rows that stream in. */
  readonly rowsLimit: number;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Smaller bodies can't hold what takes long. */
const smallBytes = 2 ** 16;
/** The parser that keeps all digits reads a megabyte in a fifth of a second. */
const mostExactBytes = 2 ** 20;

type Parse = (bytes: Buffer, mostValues: number) => unknown;

const parsers: Readonly<Record<string, Parse>> = {
  [json]: parseJsonBytes,
  [messagePack]: parseMessagePack,
  [sqlText]: decodeText,
};

export function addBodyParsers(app: FastifyInstance, { bodyLimit, bodyValues, rowsLimit }: BodyLimits): void {
  app.removeAllContentTypeParsers();
  for (const mediaType of new Set([...Object.keys(parsers), ...Object.values(rowMediaTypes)])) {
    app.addContentTypeParser(mediaType, async (request: FastifyRequest, payload: Readable) => {
      const { headers } = request;
      if (isStreamed(request, mediaType)) return new RowStream({ headers, payload, limit: rowsLimit });
      const parse = parserOf(request, mediaType);
      const bytes = await wholeBody(payload, headers["content-encoding"], bodyLimit);
      return bytes.length === 0 ? refuseEmpty(request) : parse(bytes, bodyValues);
    });
  }
  app.addHook("preValidation", (request, _reply, done) => {
    if (request.body !== undefined || request.routeOptions.schema?.body === undefined) return done();
    if (!mayBeAbsent(bodySchema(request), schemaOf)) return done(emptyBody());
    request.body = {};
    done();
  });
}

function isStreamed({ routeOptions }: FastifyRequest, mediaType: string): boolean {
  return routeOptions.config.streamed?.includes(mediaType) ?? false;
}

/** A body that a route does not look at may be anything that can be read. */
function parserOf(request: FastifyRequest, mediaType: string): Parse {
  const declared = bodyMediaTypes(request);
  const parse = declared.length === 0 || declared.includes(mediaType) ? parsers[mediaType] : undefined;
  if (parse === undefined) throw unsupportedMediaType(request);
  return parse;
}

function bodySchema({ routeOptions }: FastifyRequest): BodySchema {
  const body = routeOptions.schema?.body as { content?: Record<string, { schema: { $ref?: string } }> } | undefined;
  return schemaOf(body?.content?.[json]?.schema.$ref ?? "") ?? {};
}

function schemaOf(reference: string): BodySchema | undefined {
  return schemas.find(({ $id }) => $id === reference) as BodySchema | undefined;
}

function refuseEmpty(request: FastifyRequest): undefined {
  if (request.routeOptions.schema?.body === undefined) return undefined;
  throw emptyBody();
}

function emptyBody(): DataFusionEngineError {
  return new DataFusionEngineError("The body is empty.", { code: "invalid_body" });
}

function decodeText(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new DataFusionEngineError("The body is not valid UTF-8.", { code: "invalid_body", cause });
  }
}

/** The engine looks at large ones first: reading a value takes this thread, and others wait. */
async function parseJsonBytes(bytes: Buffer, mostValues: number): Promise<unknown> {
  const text = decodeText(bytes);
  if (bytes.length <= smallBytes) return parseJsonText(text);
  const isWide = await bodyHasWideNumbers(bytes, true, mostValues);
  if (isWide && bytes.length > mostExactBytes) throw tooLongToBeExact();
  return isWide ? parseJsonText(text) : JSON.parse(text);
}

function tooLongToBeExact(): DataFusionEngineError {
  const message = `Integers beyond 2^53 are read in JSON of up to ${mostExactBytes} bytes; send a larger body as MessagePack.`;
  return new DataFusionEngineError(message, { code: "body_too_large" });
}

async function parseMessagePack(bytes: Buffer, mostValues: number): Promise<unknown> {
  if (bytes.length > smallBytes) await bodyHasWideNumbers(bytes, false, mostValues);
  return decodeMessagePack(bytes);
}

function decodeMessagePack(bytes: Buffer): unknown {
  try {
    return decode(bytes);
  } catch (cause) {
    throw new DataFusionEngineError("The body is not valid MessagePack.", { code: "invalid_body", cause });
  }
}

function parseJsonText(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    const message = cause instanceof SyntaxError ? cause.message : "it is nested too deep";
    const location = locate(text, Number(/position (\d+)/.exec(message)?.[1] ?? text.length));
    throw new DataFusionEngineError(`The body is not valid JSON: ${message}.`, {
      code: "invalid_json",
      location,
      cause,
    });
  }
}

function locate(text: string, position: number): { line: number; column: number } {
  const before = text.slice(0, position);
  return { line: before.split("\n").length, column: position - before.lastIndexOf("\n") };
}
