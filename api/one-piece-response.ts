/** A response that sends a small body in one piece with its head: Node hands both to the system as a list, which takes longer. */
import { type IncomingMessage, ServerResponse } from "node:http";

/** What Node keeps of a response that its types don't tell. */
interface Outgoing {
  readonly _header: string | null;
  _headerSent: boolean;
  readonly _hasBody: boolean;
  readonly chunkedEncoding: boolean;
  _writeRaw(bytes: Buffer): boolean;
}

type End = (...given: unknown[]) => ServerResponse;

/** A longer body isn't copied. */
const longestCopied = 2 ** 16;

export class OnePieceResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  override end(...given: unknown[]): this {
    const [body, ...others] = given;
    if (!(body instanceof Buffer) || body.length > longestCopied || !sendWhole(this as unknown as Outgoing, body))
      (super.end as End)(...given);
    else (super.end as End)(undefined, ...others);
    return this;
  }
}

/** False where the head was sent already, is sent later, or isn't followed by the body as it is. */
function sendWhole(outgoing: Outgoing, body: Buffer): boolean {
  const { _header: head, _headerSent, _hasBody, chunkedEncoding } = outgoing;
  if (head === null || _headerSent || !_hasBody || chunkedEncoding) return false;
  const whole = Buffer.allocUnsafe(head.length + body.length);
  whole.write(head, "latin1");
  body.copy(whole, head.length);
  outgoing._headerSent = true;
  outgoing._writeRaw(whole);
  return true;
}
