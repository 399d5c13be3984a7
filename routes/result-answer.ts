/** The rows of a query or of changes as a route declares them: one body in six formats. */
import { QueryAnswer, reference } from "../schemas/generated/index.js";
import { streamAnswer } from "./answers.js";
import { resultMediaTypes } from "./media-types.js";

const resultContent = {
  [resultMediaTypes.json]: { schema: reference(QueryAnswer) },
  [resultMediaTypes.ndjson]: { schema: { type: "string", description: "A row a line." }, example: '{"one":1}\n' },
  [resultMediaTypes.csv]: {
    schema: { type: "string", description: "A header line, then a row a line." },
    example: "one\n1\n",
  },
  [resultMediaTypes.arrow]: { schema: { type: "string", format: "binary", description: "An Arrow IPC stream." } },
  [resultMediaTypes.parquet]: { schema: { type: "string", format: "binary", description: "A Parquet file." } },
  [resultMediaTypes.msgpack]: { schema: reference(QueryAnswer) },
};

export const resultAnswer = streamAnswer(resultContent, "The rows, in the format that `Accept` prefers.", {
  "Query-Id": { type: "string", description: "The query, for `/v1/queries/{id}`." },
  "Lakegate-Tables": { type: "string", description: "The tables and versions that were read: `name=version, ...`." },
  "Query-Row-Count": { type: "integer", description: "How many rows; a trailer where the result is streamed." },
  "Query-Truncated": {
    type: "boolean",
    description: "Whether a limit cut the result short; a trailer where the result is streamed.",
  },
  "Server-Timing": { type: "string", description: "Milliseconds to plan and to execute, as far as known." },
});
