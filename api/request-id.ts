/** Names each request: as the client does in `X-Request-Id`, where that is a sane name, else by a UUID. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

const sane = /^[\w.:/+=-]{1,128}$/;

export function requestId({ headers }: Pick<IncomingMessage, "headers">): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && sane.test(given) ? given : randomUUID();
}
