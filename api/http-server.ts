/** Node's HTTP server under the app: hits are answered as they come, all else is the app's. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { HotAnswers } from "./hot-answers.js";
import { OnePieceResponse } from "./one-piece-response.js";

export interface ServerTimeouts {
  /** How long a connection may be silent while it is answered, and while it isn't. */
  readonly connectionTimeout: number;
  readonly keepAliveTimeout: number;
}

export function httpServer(app: RequestListener, hot: HotAnswers, timeouts: ServerTimeouts): Server {
  // Node would answer a request without a host without a body; the app asks for it instead.
  const options = { requireHostHeader: false, ServerResponse: OnePieceResponse };
  const server = createServer(options, (request, response) => {
    const pass = () => app(request, response);
    const isSent = sendHit(hot, request, response);
    if (typeof isSent === "boolean") isSent || pass();
    else isSent.then((isSent) => isSent || pass(), pass);
  });
  server.keepAliveTimeout = timeouts.keepAliveTimeout;
  // Rows may take as long as their sender keeps sending; other bodies have their own deadline.
  server.requestTimeout = 0;
  return server.setTimeout(timeouts.connectionTimeout);
}

/** Where a look at the tables fails, the app looks again and says why. */
function sendHit(hot: HotAnswers, request: IncomingMessage, response: ServerResponse): boolean | Promise<boolean> {
  try {
    return hot.send(request, response);
  } catch {
    return false;
  }
}
