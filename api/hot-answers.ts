/** Answers of hits as they were sent, sent once more while they are right: a look at the tables, and the bytes. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { LRUCache } from "lru-cache";
import type { FoundResult, Query } from "../engine/index.js";
import { knownTag } from "../routes/index.js";

interface HotAnswer {
  readonly query: Query;
  readonly again: () => boolean | Promise<boolean>;
  readonly tag: string;
  readonly body: Buffer;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** The headers of an answer without the body. */
  readonly bare: readonly string[];
}

/** What makes a request another one than its URL and `Accept` say. */
const special = ["authorization", "cache-control", "if-range", "prefer", "range", "traceparent"] as const;
const ofBody = ["content-length", "content-type", "repr-digest"];

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
    const isRight = answer.again();
    if (isRight === true || (isRight !== false && (await isRight))) {
      write(request, reply, answer);
      return true;
    }
    this.#answers.delete(key);
    return false;
  }

  /** Remembers what is sent of a hit, with the headers that the reply has. */
  remember(reply: FastifyReply, query: Query, { again }: FoundResult, tag: string, body: Buffer): void {
    const key = keyOf(reply.request);
    if (key === undefined || again === undefined || willCompress(reply)) return;
    const headers = Object.entries({ ...reply.getHeaders(), "content-length": String(body.length) });
    const lasting = headers.filter(([name]) => !["query-id", "x-request-id", "server-timing"].includes(name));
    const flat = (entries: typeof headers) => entries.flatMap(([name, value]) => [name, String(value)]);
    const bare = lasting.filter(([name]) => !ofBody.includes(name));
    this.#answers.set(key, { query, again, tag, body, headers: flat(lasting), bare: flat(bare) });
  }
}

function keyOf({ method, url, headers }: FastifyRequest): string | undefined {
  if (method !== "GET" || special.some((name) => headers[name] !== undefined)) return undefined;
  return `${headers.accept ?? ""} ${url}`;
}

function willCompress(reply: FastifyReply): boolean {
  const type = String(reply.getHeader("content-type"));
  return reply.request.headers["accept-encoding"] !== undefined && /^(text|application\/(json|x-ndjson))/.test(type);
}

function write(request: FastifyRequest, reply: FastifyReply, { query, tag, body, headers, bare }: HotAnswer): void {
  const { queries } = request.server.engine;
  const own = ["x-request-id", request.id, "query-id", queries.served(query)];
  reply.hijack();
  if (knownTag(request.headers, tag) !== undefined) reply.raw.writeHead(304, [...bare, ...own]).end();
  else reply.raw.writeHead(200, [...headers, ...own]).end(body);
}
