/** A response that sends a small body in one piece with its head: Node hands both to the system as a list, which takes longer. */
import { type IncomingMessage, ServerResponse } from "node:http";

/** What Node keeps of a response that its types don't tell. */
interface Outgoing {
  readonly _header: string | null;
  _headerSent: boolean;
  readonly _hasBody: boolean;
  readonly chunkedEncoding: boolean;
  _writeRaw(text: string, encoding: "latin1"): boolean;
}

type End = (...given: unknown[]) => ServerResponse;

/** Node hands longer texts to the system by way of the heap. */
const longestWhole = 2 ** 14;

export class OnePieceResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  override end(...given: unknown[]): this {
    const [body, ...others] = given;
    if (!(body instanceof Buffer) || !sendWhole(this as unknown as Outgoing, body)) (super.end as End)(...given);
    else (super.end as End)(undefined, ...others);
    return this;
  }
}

/** False where the head was sent already, is sent later, or isn't followed by the body as it is. */
function sendWhole(outgoing: Outgoing, body: Buffer): boolean {
  const { _header: head, _headerSent, _hasBody, chunkedEncoding } = outgoing;
  if (head === null || head.length + body.length > longestWhole || _headerSent || !_hasBody || chunkedEncoding)
    return false;
  outgoing._headerSent = true;
  outgoing._writeRaw(head + body.toString("latin1"), "latin1");
  return true;
}
