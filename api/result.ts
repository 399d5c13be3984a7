/** How a result becomes an answer: whole where it is small, else streamed, with its counts as headers or trailers. */
import type { FastifyReply } from "fastify";
import {
  DataFusionEngineError,
  type Encoding,
  type FoundResult,
  hashBytes,
  joined,
  type Query,
  type QueryResult,
  type ResultBody,
} from "../engine/index.js";
import { etag, knownTag, sendAcceptance } from "../routes/index.js";
import type { QuerySummary, ResultFormat } from "../schemas/generated/index.js";
import type { HotAnswers } from "./hot-answers.js";
import { bare, closing, type Envelope, opening, queryEnvelope } from "./result-envelope.js";
import {
  bodyHeaders,
  cacheHeaders,
  counts,
  type Headers,
  resultTag,
  type Style,
  statement,
  timing,
} from "./result-headers.js";
import { type ByteSource, ResultStream } from "./result-stream.js";

/** How long a client waits for a query, and what becomes of the query then. */
export interface Waiting {
  readonly milliseconds: number;
  readonly onTimeout: "continue" | "cancel";
}

/** What a query is sent with. */
export interface Sending {
  readonly waiting?: Waiting | undefined;
  /** The statement, where the client hasn't written it. */
  readonly sql?: string;
}

/** Sends the result of a query with what is said about the query. */
export async function sendResult(
  reply: FastifyReply,
  query: Query,
  style: Style,
  { waiting, sql }: Sending = {},
): Promise<FastifyReply> {
  cancelWithClient(reply, query);
  const found = await startWithin(reply, query, waiting);
  if (found === undefined) return reply;
  const { id, format } = query;
  const { body, use, warnings } = found;
  const before = { query_id: id, ...(sql !== undefined && { sql }), ...(warnings && { warnings }) };
  const envelope = queryEnvelope(before, () => ({ summary: query.summary(), cache: use }));
  const isDocument = format === "json" || format === "msgpack";
  const tag = resultTag(format, style, body);
  const tagged = { etag: etag(isDocument ? `${tag}.${id}` : tag) };
  reply.headers(joined<Headers>(tagged, foundHeaders(query, found), statement(sql)));
  return send(reply, query, { format, body, envelope, summary: () => query.summary() });
}

/** Sends the result alone, for those who have it already not again. */
export async function sendDocument(
  reply: FastifyReply,
  query: Query,
  style: Style,
  hot: HotAnswers,
): Promise<FastifyReply> {
  cancelWithClient(reply, query);
  const found = await query.start();
  const { format } = query;
  const { body, pinned } = found;
  const tag = etag(resultTag(format, style, body));
  reply.headers(joined<Headers>({ etag: tag, "cache-control": cacheControl(pinned) }, foundHeaders(query, found)));
  const known = knownTag(reply.request.headers, tag);
  if (body.complete) {
    const bytes = wholeBody(format, body, bare);
    reply.headers({ ...counts(query.summary()), "repr-digest": digestOf(body, bytes) });
    hot.remember(reply, query, found, tag, bytes);
    return known ? endWithoutBody(reply.code(304).header("etag", known)) : reply.send(bytes);
  }
  if (known === undefined && reply.request.method !== "HEAD")
    return sendStream(reply, query, { format, body, envelope: bare, summary: () => query.summary() });
  query.cancel();
  return endWithoutBody(known ? reply.code(304).header("etag", known) : reply);
}

function endWithoutBody(reply: FastifyReply): FastifyReply {
  return reply.removeHeader("repr-digest").send();
}

/** The digest of the bytes that a kept body is sent as, reckoned once. */
const digests = new WeakMap<ResultBody, string>();

function digestOf(body: ResultBody, bytes: Buffer): string {
  const digest = digests.get(body) ?? `sha-256=:${hashBytes(bytes)}:`;
  digests.set(body, digest);
  return digest;
}

/** Sends the result of a query that has ended. */
export function sendRows(reply: FastifyReply, { status, body }: QueryResult, { format }: Encoding): FastifyReply {
  const { query_id, stats, cache = { status: "bypass" } } = status;
  const envelope = queryEnvelope({ query_id }, () => ({ summary: { ...body.summary(), stats }, cache }));
  reply.headers({ "query-id": query_id, ...bodyHeaders(format, body) });
  return send(reply, body, { format, body, envelope, summary: () => body.summary() });
}

/** Results of pinned versions never change; others are asked for again each time, which is cheap by their tags. */
export function cacheControl(pinned: boolean): string {
  return pinned ? "private, max-age=31536000, immutable" : "private, no-cache";
}

function cancelWithClient(reply: FastifyReply, query: Query): void {
  reply.header("query-id", query.id);
  reply.raw.once("close", () => query.isDetached || query.cancel());
}

/** Answers 202 where the client has waited long enough. */
async function startWithin(reply: FastifyReply, query: Query, waiting?: Waiting): Promise<FoundResult | undefined> {
  if (waiting === undefined) return query.start();
  const { queries } = reply.server.engine;
  const started = waiting.milliseconds === 0 ? undefined : query.start();
  const found = started && (await within(started, waiting.milliseconds));
  if (found !== undefined) return found;
  if (waiting.onTimeout === "cancel") throw waitedTooLong(query, waiting.milliseconds);
  const accepted = await queries.detach(query, started);
  if (accepted === undefined) return started;
  sendAcceptance(reply, accepted);
  return undefined;
}

async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function waitedTooLong(query: Query, milliseconds: number): DataFusionEngineError {
  query.cancel();
  return new DataFusionEngineError(`The query had no rows after ${milliseconds} ms and was cancelled.`, {
    code: "query_timeout",
  });
}

function foundHeaders(query: Query, found: FoundResult): Headers {
  const { body, warnings } = found;
  return joined<Headers>(
    bodyHeaders(query.format, body),
    timing(query.summary()),
    cacheHeaders(found),
    warnings && { "query-broken-contracts": warnings.map(({ contract }) => contract).join(", ") },
  );
}

interface Rendering {
  readonly format: ResultFormat;
  readonly body: ResultBody;
  readonly envelope: Envelope;
  readonly summary: () => QuerySummary;
}

function send(reply: FastifyReply, source: ByteSource, rendering: Rendering): FastifyReply {
  const { format, body, envelope, summary } = rendering;
  if (!body.complete) return sendStream(reply, source, rendering);
  return reply.headers(counts(summary())).send(wholeBody(format, body, envelope));
}

function wholeBody(format: ResultFormat, { first }: ResultBody, envelope: Envelope): Buffer {
  return Buffer.concat([opening(format, envelope), first, closing(format, envelope)]);
}

function sendStream(
  reply: FastifyReply,
  source: ByteSource,
  { format, body, envelope, summary }: Rendering,
): FastifyReply {
  const { raw, request } = reply;
  const chunked = request.raw.httpVersion !== "1.0";
  if (chunked) reply.header("trailer", Object.keys(counts(summary())).join(", "));
  const last = () => {
    if (chunked) raw.addTrailers(counts(summary()));
    return closing(format, envelope);
  };
  return reply.send(new ResultStream(source, Buffer.concat([opening(format, envelope), body.first]), last));
}
