/** Answers what comes over a connection and is no HTTP request with a problem, written to the socket itself. */
import { randomUUID } from "node:crypto";
import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { DataFusionEngineError, stringifyJson } from "../engine/index.js";
import { problemJson } from "../routes/index.js";
import type { ErrorCode } from "../schemas/generated/index.js";
import { problem } from "./problem.js";

/** What the parser's own errors mean; any other is a request that is none. */
const codes: Readonly<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "body_too_large",
  HPE_HEADER_OVERFLOW: "header_too_large",
};
const details: Partial<Record<ErrorCode, string>> = {
  request_timeout: "The header of the request took too long to come.",
  body_too_large: "The chunks of the body have extensions of more than 16 KiB.",
  header_too_large: "The request line and the header fields are more than 16 KiB together.",
};
/** How long the sender may take to read the answer; a socket that is closed under unread bytes is reset, answer and all. */
const lingerMs = 1_000;

export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) return;
  if (error.code === "ECONNRESET" || isAnswering(socket)) {
    socket.destroy(error);
    return;
  }
  socket.end(answer(error));
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

/** Whether part of an answer is sent already; what followed it would be read as more of it. Node's own handler asks the same. */
function isAnswering(socket: Socket & { readonly _httpMessage?: ServerResponse | null }): boolean {
  return socket._httpMessage?.headersSent === true;
}

function answer(error: NodeJS.ErrnoException): string {
  const code = codes[error.code ?? ""] ?? "invalid_request";
  const known = new DataFusionEngineError(details[code] ?? `This is no HTTP request: ${error.message}.`, { code });
  const id = randomUUID();
  const body = problem(known, { url: "/", id });
  const text = stringifyJson(body);
  const head = [
    `HTTP/1.1 ${body.status} ${STATUS_CODES[body.status]}`,
    `Content-Type: ${problemJson}; charset=utf-8`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    `X-Request-Id: ${id}`,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${text}`;
}
