/** Answers whose head is ready as bytes. Node checks and joins the headers of each answer, which costs as much as all else of a hit. */
import type { ServerResponse } from "node:http";

/** What Node goes by to tell whether a head still has to be written; not in its types. */
interface Head {
  _header: string | null;
  _headerSent: boolean;
}

/** The lines of a head that are the same each time, without the empty one at its end. */
export function preparedHead(status: string, headers: readonly (readonly [string, unknown])[]): string {
  return [`HTTP/1.1 ${status}`, ...headers.map(([name, value]) => `${name}: ${value}`), ""].join("\r\n");
}

/** `head` is whole, with the empty line; `body` as long as it says. */
export function sendPrepared(response: ServerResponse, head: string, body?: Buffer): void {
  const state = response as unknown as Head;
  state._header = head;
  state._headerSent = true;
  if (body === undefined) response.end(head, "latin1");
  else {
    response.write(head, "latin1");
    response.end(body);
  }
}
