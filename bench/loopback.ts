/** A bare HTTP server that streams `?bytes=` from one buffer: the limit of any export. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const block = Buffer.alloc(256 * 1024, "lakegate");

const server = createServer(async (request, response) => {
  const wanted = Number(new URL(request.url ?? "/", "http://localhost").searchParams.get("bytes"));
  for (let sent = 0; sent < wanted; sent += block.length) {
    if (!response.write(block)) await once(response, "drain");
  }
  response.end();
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
