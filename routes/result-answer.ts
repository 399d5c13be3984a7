/** The rows of a query or of changes as a route declares them: one body in six formats. */

import type { TSchema } from "@sinclair/typebox";
import { QueryAnswer, ResultDocument, reference } from "../schemas/generated/index.js";
import { type HeaderDescription, streamAnswer } from "./answers.js";
import { etagOf } from "./conditions.js";
import { resultMediaTypes } from "./media-types.js";

function resultContent(document: TSchema): Record<string, object> {
  return {
    [resultMediaTypes.json]: { schema: reference(document) },
    [resultMediaTypes.ndjson]: { schema: { type: "string", description: "A row a line." }, example: '{"one":1}\n' },
    [resultMediaTypes.csv]: {
      schema: { type: "string", description: "A header line, then a row a line." },
      example: "one\n1\n",
    },
    ...fileContent,
    [resultMediaTypes.msgpack]: { schema: reference(document) },
  };
}

const fileContent = {
  [resultMediaTypes.arrow]: { schema: { type: "string", format: "binary", description: "An Arrow IPC stream." } },
  [resultMediaTypes.parquet]: { schema: { type: "string", format: "binary", description: "A Parquet file." } },
};

/** What a result says about its bytes. */
export const cacheHeaders: Record<string, HeaderDescription> = {
  ...etagOf("These bytes of the result, and no others."),
  "Cache-Status": { type: "string", description: "What the result cache did (RFC 9211)." },
  Age: { type: "integer", description: "Seconds since a kept result was last known to be right." },
};

const rowHeaders: Record<string, HeaderDescription> = {
  "Query-Id": { type: "string", description: "The query, for `/v1/queries/{id}`." },
  "Lakegate-Tables": { type: "string", description: "The tables and versions that were read: `name=version, ...`." },
  "Query-Row-Count": { type: "integer", description: "How many rows; a trailer where the result is streamed." },
  "Query-Truncated": {
    type: "boolean",
    description: "Whether a limit cut the result short; a trailer where the result is streamed.",
  },
};

const contracts: Record<string, HeaderDescription> = {
  "Query-Broken-Contracts": {
    type: "string",
    description: "The contracts that tables which were read break, where the session only warns.",
  },
};

const timing: Record<string, HeaderDescription> = {
  "Server-Timing": { type: "string", description: "Milliseconds to plan and to execute, as far as known." },
};

const validity: Record<string, HeaderDescription> = {
  "Cache-Control": { type: "string", description: "How the client and caches on the way may keep the result." },
};

const rows = "The rows, in the format that `Accept` prefers.";

const resultHeaders = { ...rowHeaders, ...timing, ...cacheHeaders };

export const resultAnswer = streamAnswer(resultContent(QueryAnswer), rows, resultHeaders);

/** Rows of a statement that the client hasn't written. */
export const writtenAnswer = streamAnswer(resultContent(QueryAnswer), rows, {
  ...resultHeaders,
  "Query-Sql": { type: "string", description: "The statement, percent-encoded, where it is not too long." },
});

/** Rows that were kept. */
export const keptAnswer = streamAnswer(resultContent(QueryAnswer), rows, rowHeaders);

export const documentAnswer = streamAnswer(
  resultContent(ResultDocument),
  "The rows, in the format that `format` names or `Accept` prefers.",
  {
    ...rowHeaders,
    ...contracts,
    ...timing,
    ...cacheHeaders,
    ...validity,
    "Repr-Digest": { type: "string", description: "SHA-256 of the body where it is sent whole (RFC 9530)." },
  },
);

export const partAnswer = streamAnswer(fileContent, "The bytes that `Range` asks for.", {
  ...rowHeaders,
  ...cacheHeaders,
  ...validity,
  "Content-Range": { type: "string", description: "Which bytes of how many." },
});
