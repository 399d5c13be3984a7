/** Tables that Spark and Databricks wrote: exactly their rows, as Arrow and as JSON; broken ones are refused. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { inRoot } from "../setup/places.mjs";
import type { Answer } from "./fixture/client.js";
import { assertSameRows, exactJson } from "./fixture/exact.js";
import { assertProblem } from "./fixture/problem.js";
import { RowReader, withoutPython } from "./fixture/python.js";
import { startServer, type TestServer, temporaryFolder } from "./fixture/server.js";

const golden = resolve(inRoot(), process.env.LAKEGATE_TABLES ?? "../shared/tables", "golden");
const names = existsSync(golden) ? readdirSync(golden).sort() : [];
const expectedRows = (name: string) => join(golden, name, "expected");

/** Needs a reader feature that the Delta library has not: a clear refusal is right. */
const refused = ["basic-with-vacuum-protocol-check-feature"];

describe("golden tables", { skip: names.length === 0 ? `there is no ${golden}` : withoutPython }, () => {
  let server: TestServer;
  let reader: RowReader;
  const results = temporaryFolder();
  const whole = names.filter((name) => existsSync(expectedRows(name)));
  let right = 0;

  before(async () => {
    server = await startServer({ environment: { LAKEGATE_LOCATIONS: golden } });
    reader = new RowReader();
  });
  after(async () => {
    console.log(`golden ${right} of ${whole.length}`);
    await reader.stop();
    await server.stop();
    rmSync(results, { recursive: true });
  });

  const select = (name: string, accept: string) => server.client.query(`SELECT * FROM ${tableName(name)}`, { accept });

  for (const name of whole.filter((name) => !refused.includes(name))) {
    it(name, async () => {
      const registered = await register(server, name);
      assert.equal(registered.status, 201, registered.text);
      const arrow = await select(name, "application/vnd.apache.arrow.stream");
      assert.equal(arrow.status, 200, arrow.text);
      const like = join(results, `${name}.arrow`);
      writeFileSync(like, arrow.bytes);
      const parts = readdirSync(expectedRows(name)).filter((file) => file.endsWith(".parquet"));
      const paths = parts.map((file) => join(expectedRows(name), file));
      const expected = await reader.read({ format: "parquet", paths, like });
      assertSameRows(await reader.read({ format: "arrow", paths: [like] }), expected, "as Arrow");
      const json = await select(name, "application/json");
      assertSameRows(exactJson(json.text), expected, "as JSON");
      right += 1;
    });
  }

  for (const name of refused.filter((name) => whole.includes(name))) {
    it(`${name} is refused with the feature's name`, async () => {
      assertProblem(await register(server, name), {
        status: 422,
        code: "table_unsupported",
        detail: /vacuumProtocolCheck/,
      });
      right += 1;
    });
  }

  for (const name of names.filter((name) => !whole.includes(name))) {
    it(`${name} is refused`, async () => {
      const registered = await register(server, name);
      const answer = registered.status === 201 ? await select(name, "application/json") : registered;
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}: ${answer.text}`);
      assert.match(answer.headers.get("content-type") ?? "", /problem\+json/);
    });
  }
});

function register(server: TestServer, name: string): Promise<Answer> {
  const uri = join(golden, name, "delta");
  return server.client.sendJson(`/v1/tables/${tableName(name)}`, { uri }, { method: "PUT" });
}

function tableName(name: string): string {
  return `golden_${name.replaceAll("-", "_")}`;
}
