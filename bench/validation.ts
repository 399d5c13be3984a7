/** Validation: what checking a request against its schema costs, on a route with it and the same route without. */
import Fastify, { type FastifyInstance } from "fastify";
import { validatorCompiler } from "../api/validator.js";
import { QueryRequest, reference } from "../schemas/generated/index.js";
import { plainRow, type Report, type Row } from "./report.js";
import { spread } from "./statistics.js";

const rounds = 9;
const requests = 4000;

const bodies: Readonly<Record<string, object>> = {
  "select 1": { sql: "SELECT 1 AS one" },
  "parameters, pins and labels": {
    sql: "SELECT count(*) AS n FROM flights WHERE origin = $origin AND date < $before",
    parameters: { origin: "SEA", before: { type: "Date32", value: "2001-01-31" } },
    tables: { flights: { version: 1 } },
    row_limit: 1000,
    labels: { team: "ingest", purpose: "bench" },
  },
  "1000 parameters": { sql: "SELECT 1", parameters: Array.from({ length: 1000 }, (_, index) => index) },
};

export async function validation(): Promise<Report> {
  const checked = await app(true);
  const unchecked = await app(false);
  const rows: Row[] = [];
  for (const [name, body] of Object.entries(bodies)) rows.push(await compare(name, body, checked, unchecked));
  await Promise.all([checked.close(), unchecked.close()]);
  return {
    title: "Validation: microseconds a request with the schema checked, less the same without",
    rows,
    notes: [`${rounds} rounds of ${requests} requests each, in this process, without a socket`],
  };
}

async function app(checks: boolean): Promise<FastifyInstance> {
  const made = Fastify();
  made.setValidatorCompiler(checks ? validatorCompiler() : () => () => true);
  made.post("/", { schema: { body: reference(QueryRequest) } }, () => "");
  await made.ready();
  return made;
}

async function compare(name: string, body: object, checked: FastifyInstance, unchecked: FastifyInstance): Promise<Row> {
  const added: number[] = [];
  const whole: number[] = [];
  await microseconds(checked, body);
  await microseconds(unchecked, body);
  for (let round = 0; round < rounds; round++) {
    const ours = await microseconds(checked, body);
    whole.push(ours);
    added.push(ours - (await microseconds(unchecked, body)));
  }
  const figure = `${spread(added).median.toFixed(1)} µs of ${spread(whole).median.toFixed(1)} µs`;
  return plainRow(`validation ${name}`, figure, spread(added), "");
}

async function microseconds(target: FastifyInstance, body: object): Promise<number> {
  const payload = JSON.stringify(body);
  const started = performance.now();
  for (let turn = 0; turn < requests; turn++) {
    const { statusCode, payload: text } = await target.inject({
      method: "POST",
      url: "/",
      headers: { "content-type": "application/json" },
      payload,
    });
    if (statusCode !== 200) throw new Error(`${statusCode}: ${text}`);
  }
  return ((performance.now() - started) * 1000) / requests;
}
