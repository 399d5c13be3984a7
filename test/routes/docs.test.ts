/** The published contract: the document, and the page that shows it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { inRoot } from "../../setup/places.mjs";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer } from "../fixture/server.js";

describe("documentation", () => {
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  it("serves the document that is committed", async () => {
    const answer = await server.client.send("/openapi.json");
    assert.equal(answer.status, 200);
    assert.deepEqual(JSON.parse(answer.text), JSON.parse(readFileSync(inRoot("openapi/openapi.json"), "utf8")));
  });

  it("serves the page with all that it loads from this server", async () => {
    const page = await server.client.send("/docs/");
    assert.match(page.headers.get("content-type") ?? "", /text\/html/);
    const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = ""]) => link);
    assert.ok(links.length > 3);
    for (const link of links) {
      const { pathname, origin } = new URL(link, `${server.url}/docs/`);
      assert.equal(origin, server.url);
      assert.equal((await server.client.send(pathname)).status, 200, pathname);
    }
  });

  it("refuses other routes and methods with what there is", async () => {
    assertProblem(await server.client.send("/v1/nothing"), { status: 404, code: "route_not_found" });
    const answer = await server.client.send("/v1/queries", { method: "PUT" });
    assertProblem(answer, { status: 405, code: "method_not_allowed" });
    assert.match(answer.headers.get("allow") ?? "", /POST/);
  });
});
