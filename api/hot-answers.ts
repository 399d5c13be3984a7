/** Answers of hits as they were sent, sent once more while they are right: a look at the tables, and the bytes. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { LRUCache } from "lru-cache";
import type { FoundResult, Query } from "../engine/index.js";
import { knownTag } from "../routes/index.js";
import { compressible } from "./compressible.js";

interface HotAnswer {
  readonly query: Query;
  readonly again: () => boolean | Promise<boolean>;
  readonly tag: string;
  readonly body: Buffer;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** The headers of an answer without the body, but its tag. */
  readonly bare: readonly string[];
  readonly isCompressible: boolean;
}

/** What makes a request another one than its URL and `Accept` say. */
const special = ["authorization", "cache-control", "if-range", "prefer", "range", "traceparent"] as const;
const ofBody = ["content-length", "content-type", "etag", "repr-digest"];

export class HotAnswers {
  readonly #answers: LRUCache<string, HotAnswer>;

  constructor(limitBytes: number) {
    const maxSize = Math.max(limitBytes, 1);
    this.#answers = new LRUCache({ maxSize, sizeCalculation: ({ body }) => body.length + 1024 });
  }

  /** Whether the request was answered. */
  async send(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    const key = keyOf(request);
    const answer = key === undefined ? undefined : this.#answers.get(key);
    if (key === undefined || answer === undefined) return false;
    const known = knownTag(request.headers, answer.tag);
    if (known === undefined && answer.isCompressible && wantsCompression(request)) return false;
    const isRight = answer.again();
    if (isRight === true || (isRight !== false && (await isRight))) {
      write(request, reply, answer, known);
      return true;
    }
    this.#answers.delete(key);
    return false;
  }

  /** Remembers what is sent of a hit, with the headers that the reply has; not for a session, which each use keeps alive. */
  remember(reply: FastifyReply, query: Query, { again }: FoundResult, tag: string, body: Buffer): void {
    const key = keyOf(reply.request);
    if (key === undefined || again === undefined || query.status().session_id !== undefined) return;
    const isCompressible = compressible.test(String(reply.getHeader("content-type")));
    if (isCompressible && wantsCompression(reply.request)) return;
    const headers = Object.entries({ ...reply.getHeaders(), "content-length": String(body.length) });
    const lasting = headers.filter(([name]) => !["query-id", "x-request-id", "server-timing"].includes(name));
    const flat = (entries: typeof headers) => entries.flatMap(([name, value]) => [name, String(value)]);
    const bare = lasting.filter(([name]) => !ofBody.includes(name));
    this.#answers.set(key, { query, again, tag, body, headers: flat(lasting), bare: flat(bare), isCompressible });
  }
}

function keyOf({ method, url, headers }: FastifyRequest): string | undefined {
  if (method !== "GET" || special.some((name) => headers[name] !== undefined)) return undefined;
  return `${headers.accept ?? ""} ${url}`;
}

function wantsCompression({ headers }: FastifyRequest): boolean {
  return headers["accept-encoding"] !== undefined;
}

function write(
  request: FastifyRequest,
  reply: FastifyReply,
  { query, body, headers, bare }: HotAnswer,
  known: string | undefined,
): void {
  const { queries } = request.server.engine;
  const own = ["x-request-id", request.id, "query-id", queries.served(query)];
  reply.hijack();
  if (known !== undefined) reply.raw.writeHead(304, [...bare, "etag", known, ...own]).end();
  else reply.raw.writeHead(200, [...headers, ...own]).end(body);
}
