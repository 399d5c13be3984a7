/** A client that writes rows over connections that stay open. */
import { Agent, request } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export const arrowStream = "application/vnd.apache.arrow.stream";

export class RowSender {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(url: string) {
    this.#url = url;
  }

  /** Sends a body and gives the report; anything but success is an error. */
  async send(path: string, body: Buffer | Readable, contentType = arrowStream): Promise<Record<string, unknown>> {
    const sent = request(this.#url + path, {
      method: "POST",
      agent: this.#agent,
      headers: { "content-type": contentType },
    });
    const answer = new Promise<Record<string, unknown>>((resolve, reject) => {
      sent.once("error", reject);
      sent.once("response", (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part) => {
          text += part;
        });
        response.once("error", reject);
        response.once("end", () =>
          response.statusCode && response.statusCode < 300
            ? resolve(JSON.parse(text))
            : reject(new Error(`${response.statusCode}: ${text}`)),
        );
      });
    });
    if (Buffer.isBuffer(body)) sent.end(body);
    else await Promise.all([pipeline(body, sent), answer]);
    return answer;
  }

  stop(): void {
    this.#agent.destroy();
  }
}
