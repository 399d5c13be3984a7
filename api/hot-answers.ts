/** Answers of hits as they were sent, sent once more while they are right: a look at the tables, and the bytes. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";
import { LRUCache } from "lru-cache";
import type { Caller, Engine, FoundResult, Query } from "../engine/index.js";
import { knownTag } from "../routes/index.js";
import { compressible } from "./compressible.js";
import { httpDate } from "./http-date.js";
import { preparedHead, sendPrepared } from "./prepared-answer.js";
import { requestId } from "./request-id.js";

interface HotAnswer {
  readonly query: Query;
  readonly again: () => boolean | Promise<boolean>;
  readonly tag: string;
  readonly body: Buffer;
  readonly head: string;
  /** The head of an answer without the body, but its tag. */
  readonly bareHead: string;
  readonly isCompressible: boolean;
}

/** What makes a request another one than its URL and `Accept` say. */
const special = ["cache-control", "if-range", "origin", "prefer", "range", "traceparent"] as const;
const ofBody = ["content-length", "content-type", "etag", "repr-digest"];

/** Whose an `Authorization` is, where that is known without waiting. */
export type CallerOf = (authorization: string | undefined) => Caller | undefined;

export class HotAnswers {
  readonly #records: Engine["queryRecords"];
  readonly #answers: LRUCache<string, HotAnswer>;
  readonly #callerOf: CallerOf;
  #isStopped = false;
  #count = 0;

  constructor({ queryRecords }: Engine, limitBytes: number, callerOf: CallerOf) {
    const maxSize = Math.max(limitBytes, 1);
    this.#records = queryRecords;
    this.#callerOf = callerOf;
    this.#answers = new LRUCache({ maxSize, sizeCalculation: ({ body }) => body.length + 1024 });
  }

  /** Whether the request was answered, at once where the tables are on this machine. */
  send(request: IncomingMessage, response: ServerResponse): boolean | Promise<boolean> {
    const caller = this.#isStopped ? undefined : this.#callerOf(request.headers.authorization);
    const key = keyOf(request, caller);
    const answer = key === undefined ? undefined : this.#answers.get(key);
    if (caller === undefined || key === undefined || answer === undefined) return false;
    const known = knownTag(request.headers, answer.tag);
    if (known === undefined && answer.isCompressible && wantsCompression(request)) return false;
    const end = (isRight: boolean) => {
      if (isRight) this.#write(request, response, answer, known, caller);
      else this.#answers.delete(key);
      return isRight;
    };
    const isRight = answer.again();
    return typeof isRight === "boolean" ? end(isRight) : isRight.then(end);
  }

  /** How many requests it has answered. */
  get count(): number {
    return this.#count;
  }

  /** Answers no more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Remembers what is sent of a hit, with the headers that the reply has; not for a session, which each use keeps alive. */
  remember(reply: FastifyReply, query: Query, { again }: FoundResult, tag: string, body: Buffer): void {
    const key = keyOf(reply.request.raw, reply.request.caller);
    if (key === undefined || again === undefined || query.status().session_id !== undefined) return;
    const isCompressible = compressible.test(String(reply.getHeader("content-type")));
    if (isCompressible && wantsCompression(reply.request.raw)) return;
    const connection = {
      connection: "keep-alive",
      "keep-alive": `timeout=${reply.server.server.keepAliveTimeout / 1000}`,
    };
    const headers = Object.entries({ ...reply.getHeaders(), "content-length": body.length, ...connection });
    const lasting = headers.filter(([name]) => !["query-id", "x-request-id", "server-timing"].includes(name));
    const bare = lasting.filter(([name]) => !ofBody.includes(name));
    const [head, bareHead] = [preparedHead("200 OK", lasting), preparedHead("304 Not Modified", bare)];
    this.#answers.set(key, { query, again, tag, body, head, bareHead, isCompressible });
  }

  #write(
    request: IncomingMessage,
    response: ServerResponse,
    { query, body, head, bareHead }: HotAnswer,
    known: string | undefined,
    caller: Caller,
  ): void {
    this.#count += 1;
    const id = this.#records.served(query, caller);
    const own = `date: ${httpDate()}\r\nx-request-id: ${requestId(request)}\r\nquery-id: ${id}\r\n\r\n`;
    if (known !== undefined) sendPrepared(response, `${bareHead}etag: ${known}\r\n${own}`);
    else sendPrepared(response, head + own, body);
  }
}

function keyOf(request: IncomingMessage, caller: Caller | undefined): string | undefined {
  const { method, url, headers } = request;
  if (caller === undefined || method !== "GET" || headers.host === undefined || !isKeptAlive(request)) return undefined;
  if (special.some((name) => headers[name] !== undefined)) return undefined;
  return `${caller.standing} ${headers.accept ?? ""} ${url}`;
}

/** Whether the connection stays, as the heads say that are ready. */
function isKeptAlive({ httpVersion, headers: { connection } }: IncomingMessage): boolean {
  return httpVersion === "1.1" && (connection === undefined || connection.toLowerCase() === "keep-alive");
}

function wantsCompression({ headers: { "accept-encoding": codings = "identity" } }: IncomingMessage): boolean {
  return codings !== "identity";
}
