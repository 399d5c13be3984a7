/** Encodes results over a warehouse in this process and throws them away, without HTTP: one JSON line {sql, format} in, bytes and seconds out. */

import { createInterface } from "node:readline";
import type { Engine } from "../engine/index.js";
import { everybody } from "../engine/index.js";
import type { ResultFormat } from "../schemas/generated/index.js";
import { withEngine } from "../setup/local-engine.js";

interface Question {
  sql: string;
  format: ResultFormat;
}

const [warehouse = ""] = process.argv.slice(2);

await withEngine(warehouse, async (engine) => {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await drained(engine, JSON.parse(line))));
  }
});

async function drained(engine: Engine, { sql, format }: Question) {
  const began = performance.now();
  const query = engine.queries.run({ sql }, format, { no_store: true }, everybody);
  const { body } = await query.start();
  let bytes = body.first.length;
  for (let next = body.complete ? null : await query.next(); next !== null; next = await query.next())
    bytes += next.length;
  return { bytes, seconds: (performance.now() - began) / 1000 };
}
