/** Four hundred operations that are each sent several times: at once, by two servers, after time-outs, and after kill -9. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "../fixture/client.js";
import { startServer, type TestServer } from "../fixture/server.js";
import { faultsOfLog, newestVersion } from "./commit-log.js";
import { History } from "./history.js";
import { killServer } from "./killed.js";
import { createNumbered, type Outcome, perform, readNumbered, requestFor } from "./numbered-table.js";
import { OperationSource } from "./operation-source.js";
import type { Operation } from "./operations.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";
import { inWarehouse } from "./warehouse.js";

const table = "repeated";
const operationCount = 400;
const atOnce = 4;
const tries = 60;

/** Sends operations more than once each; gives the answers to each. */
type Way = (run: Run, operations: Operation[]) => Promise<Outcome[][]>;

interface Run {
  warehouse: string;
  random: SeededRandom;
  servers: [TestServer, TestServer];
}

const ways: Readonly<Record<string, Way>> = {
  "at once": ({ servers: [one] }, operations) =>
    Promise.all(operations.map((each) => repeated(each, Array(4).fill(one)))),
  "by two servers": ({ servers: [one, other] }, operations) =>
    Promise.all(operations.map((each) => repeated(each, [one, other, one, other]))),
  "after a time-out": (run, operations) => Promise.all(operations.map((each) => impatiently(run, each))),
  "after kill -9": afterKill,
};

export const retries: Suite = (random, scale) =>
  inWarehouse(async (warehouse) => {
    const servers = await Promise.all([startServer({ warehouse }), startServer({ warehouse })]);
    const run = { warehouse, random, servers };
    try {
      await createNumbered(servers[0].client, table);
      return await repeatAll(run, Math.round(operationCount * scale));
    } finally {
      await Promise.all(run.servers.map((server) => server.stop()));
    }
  });

async function repeatAll(run: Run, operations: number): Promise<string[]> {
  const source = new OperationSource(run.random, { append: 5, update: 3, merge: 2 });
  const history = await History.from((version) => readNumbered(run.servers[0].client, table, version), 0);
  const faults: string[] = [];
  for (const [name, way] of Object.entries(ways)) {
    const rounds = Math.max(1, Math.round(operations / Object.keys(ways).length / atOnce));
    let answers = 0;
    for (let round = 0; round < rounds; round++) {
      const batch = Array.from({ length: atOnce }, () => source.next());
      const all = await way(run, batch);
      for (const operation of batch) source.settle(operation);
      faults.push(...all.flatMap(disagreements));
      history.add(all.flatMap((outcomes) => outcomes.filter(({ ended }) => ended === "done").slice(0, 1)));
      answers += all.flat().length;
    }
    console.log(`  ${rounds * atOnce} operations ${name}: ${answers} answers`);
  }
  await history.replay(newestVersion(join(run.warehouse, table)));
  return [...faults, ...history.faults, ...faultsOfLog(run.warehouse, table), ...(await reused(run, source))];
}

function repeated(operation: Operation, servers: TestServer[]): Promise<Outcome[]> {
  return Promise.all(servers.map(({ client }) => insist(client, operation)));
}

/** Sends until there is an answer other than a conflict. */
async function insist(client: Client, operation: Operation): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await perform(client, table, operation, keyed(operation));
    const isLast = outcome.ended === "done" || (outcome.ended === "refused" && !outcome.problem.retryable);
    if (isLast || attempt === tries) return outcome;
    await pause(10 * attempt);
  }
}

/** The client goes away before the answer, then asks again. */
async function impatiently({ random, servers }: Run, operation: Operation): Promise<Outcome[]> {
  for (let impatience = 0; impatience < 3; impatience++) {
    const { path, headers, body } = requestFor(table, operation);
    const signal = AbortSignal.timeout(random.between(1, 60));
    const sending = { method: "POST", headers: { ...headers, ...keyed(operation).headers }, body, signal };
    await fetch(random.pick(servers).url + path, sending).catch(() => {});
  }
  return [await insist(random.pick(servers).client, operation)];
}

async function afterKill(run: Run, operations: Operation[]): Promise<Outcome[][]> {
  const { random, servers, warehouse } = run;
  const [victim] = servers;
  const heard = Promise.all(operations.map((each) => perform(victim.client, table, each, keyed(each))));
  await pause(random.between(1, 120));
  await killServer(victim);
  const first = await heard;
  await victim.stop();
  servers[0] = await startServer({ warehouse });
  const second = await Promise.all(operations.map((each) => insist(random.pick(servers).client, each)));
  return first.map((outcome, index) => [outcome, second[index] ?? outcome].filter(({ ended }) => ended !== "unknown"));
}

/** All answers name one version, and only one of them says that it was made there. */
function disagreements(outcomes: Outcome[]): string[] {
  const id = outcomes[0]?.operation.id;
  const done = outcomes.filter((outcome) => outcome.ended === "done");
  const made = done.filter(({ skipped }) => !skipped).length;
  const faults = outcomes.flatMap((outcome) => (outcome.ended === "done" ? [] : [`${id}: ${JSON.stringify(outcome)}`]));
  if (new Set(done.map(({ version }) => version)).size > 1) faults.push(`${id}: the answers name several versions`);
  if (made > 1) faults.push(`${id}: ${made} answers say that they made it`);
  return faults;
}

/** The key of one operation on another one is refused. */
async function reused({ servers: [{ client }] }: Run, source: OperationSource): Promise<string[]> {
  const [first, other] = [source.next("update"), source.next("optimize")];
  await perform(client, table, first, keyed(first));
  const outcome = await perform(client, table, other, keyed(first));
  const isRefused = outcome.ended === "refused" && outcome.problem.code === "idempotency_key_reused";
  return isRefused ? [] : [`a key was used again for another operation: ${JSON.stringify(outcome)}`];
}

function keyed({ id }: Operation): { headers: Record<string, string> } {
  return { headers: { "idempotency-key": id } };
}
