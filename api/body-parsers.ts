/** Turns the bytes of a body into a value, by its media type. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { DataFusionEngineError, decode } from "../engine/index.js";
import { json, messagePack, sqlText } from "../routes/index.js";
import { parseJson } from "./json.js";

const utf8 = new TextDecoder("utf-8", { fatal: true });

const parsers: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  [json]: (bytes) => parseJsonText(decodeText(bytes)),
  [messagePack]: decodeMessagePack,
  [sqlText]: decodeText,
};

export function addBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  for (const [mediaType, parse] of Object.entries(parsers)) {
    app.addContentTypeParser(mediaType, { parseAs: "buffer" }, async (request: FastifyRequest, bytes: Buffer) =>
      bytes.length === 0 ? refuseEmpty(request) : parse(bytes),
    );
  }
  app.addHook("preValidation", async (request) => {
    if (request.body === undefined && request.routeOptions.schema?.body !== undefined) refuseEmpty(request);
  });
}

function refuseEmpty(request: FastifyRequest): undefined {
  if (request.routeOptions.schema?.body === undefined) return undefined;
  throw new DataFusionEngineError("The body is empty.", { code: "invalid_body" });
}

function decodeText(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new DataFusionEngineError("The body is not valid UTF-8.", { code: "invalid_body", cause });
  }
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
