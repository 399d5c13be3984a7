/** Chooses how a graph is written by the `Accept` header. */
import type { IncomingHttpHeaders } from "node:http";
import Negotiator from "negotiator";
import { DataFusionEngineError } from "../engine/index.js";
import { graphMediaTypes } from "../routes/index.js";
import type { GraphFormat } from "../schemas/generated/index.js";

const formats = new Map(Object.entries(graphMediaTypes).map(([format, type]) => [type, format as GraphFormat]));
const offered = [...formats.keys()];

export function graphFormat({ accept }: IncomingHttpHeaders): GraphFormat {
  if (accept === undefined) return "json";
  const format = formats.get(new Negotiator({ headers: { accept } }).mediaType(offered) ?? "");
  if (format !== undefined) return format;
  throw new DataFusionEngineError(`A graph cannot be ${accept}; there are ${offered.join(", ")}.`, {
    code: "not_acceptable",
  });
}
