/** Chooses the format of a result by the `Accept` header. */
import type { IncomingHttpHeaders } from "node:http";
import Negotiator from "negotiator";
import { DataFusionEngineError } from "../engine/index.js";
import { resultMediaTypes } from "../routes/index.js";
import type { ResultFormat } from "../schemas/generated/index.js";

const formats = new Map(Object.entries(resultMediaTypes).map(([format, type]) => [type, format as ResultFormat]));
const offered = [...formats.keys()];
/** A browser that asks for a page gets JSON. */
const page = "text/html";
const parametersButQuality = /;\s*(?!q\s*=)[^;,=]+=("[^"]*"|[^;,]*)/gi;

export function resultFormat({ accept }: IncomingHttpHeaders): ResultFormat {
  if (accept === undefined) return "json";
  const negotiator = new Negotiator({ headers: { accept: accept.replace(parametersButQuality, "") } });
  const mediaType = negotiator.mediaType([...offered, page]);
  if (mediaType === page) return "json";
  return formats.get(mediaType ?? "") ?? refuse(accept);
}

function refuse(accept: string): never {
  throw new DataFusionEngineError(`A result cannot be ${accept}; there are ${offered.join(", ")}.`, {
    code: "not_acceptable",
  });
}
