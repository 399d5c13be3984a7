/** kill -9 at every system call of a commit by which it changes files or answers: afterwards the table is as before or as after, and a repeat makes it exactly once. */
import { join } from "node:path";
import { startServer, type TestServer } from "../fixture/server.js";
import { faultsOfLog, newestVersion, strayFiles } from "./commit-log.js";
import { killServer } from "./killed.js";
import { createNumbered, type Outcome, perform, readNumbered } from "./numbered-table.js";
import { OperationSource } from "./operation-source.js";
import { applied, type Operation, type OperationKind, type Rows, sameRows } from "./operations.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";
import { unswept } from "./sweep.js";
import { SystemCalls, withoutSystemCalls } from "./system-calls.js";
import { inWarehouse } from "./warehouse.js";

const kinds: readonly OperationKind[] = ["append", "overwrite", "delete", "update", "merge", "optimize"];
/** Each commit writes a checkpoint too, where the library honours it. */
const properties = { "delta.checkpointInterval": "1" };
const most = 400;

export const syscalls: Suite = killsDuring(kinds);

/** A scale below 1 takes only that share of the calls. */
export function killsDuring(kinds: readonly OperationKind[]): Suite {
  return (random, scale) => {
    if (withoutSystemCalls) throw new Error(withoutSystemCalls);
    return inWarehouse(async (warehouse) => {
      const source = new OperationSource(random);
      const faults: string[] = [];
      for (const kind of kinds) faults.push(...(await killEverywhere({ warehouse, source, random, scale }, kind)));
      return faults;
    });
  };
}

async function killEverywhere(run: Run, kind: OperationKind): Promise<string[]> {
  const { warehouse, random, scale } = run;
  const counts = { kills: 0, acknowledged: 0, happened: 0, strays: 0 };
  const [faults, tables]: [string[], string[]] = [[], []];
  let server = await startServer({ warehouse });
  for (let at = 1, survived = false; !survived && at <= most; at++) {
    if (at > 1 && random.next() >= scale) continue;
    const kill = await prepare(run, server, kind, at);
    const ending = await performKilled(server, kill);
    survived = ending.calls < at;
    if (!survived) server = await restarted(server, warehouse);
    const found = await judge(server, kill, ending);
    faults.push(...found.faults);
    tables.push(kill.table);
    counts.kills += Number(!survived);
    counts.acknowledged += Number(ending.ended === "done" && !survived);
    counts.happened += Number(found.happened && !survived);
    counts.strays += found.strays;
  }
  await server.stop();
  const { kills, acknowledged, happened, strays } = counts;
  console.log(
    `  ${kind}: ${kills} kills, ${acknowledged} acknowledged, ${happened} found done, ${strays} files left over`,
  );
  return [...faults, ...(await unswept(warehouse, tables))];
}

export interface Run {
  warehouse: string;
  source: OperationSource;
  random: SeededRandom;
  scale: number;
}

/** One operation on a table of its own, that is to be cut off at its call number `at`. */
export interface Kill {
  warehouse: string;
  table: string;
  operation: Operation;
  before: Rows;
  at: number;
}

export async function prepare(
  { warehouse, source }: Run,
  { client }: TestServer,
  kind: OperationKind,
  at: number,
): Promise<Kill> {
  const table = `${kind}_${at}`;
  await createNumbered(client, table, properties);
  for (let file = 0; file < 3; file++) {
    const append = source.next("append");
    await perform(client, table, append);
    source.settle(append);
  }
  const operation = everyRow(source.next(kind));
  return { warehouse, table, operation, before: await readNumbered(client, table), at };
}

function everyRow(operation: Operation): Operation {
  return "where" in operation ? { ...operation, where: undefined } : operation;
}

export type Ending = Outcome & { calls: number };

async function performKilled(victim: TestServer, { warehouse, table, operation, at }: Kill): Promise<Ending> {
  const calls = await SystemCalls.of(victim.pid, join(warehouse, table), { mode: "kill", at });
  const outcome = await perform(victim.client, table, operation, keyed(operation));
  await calls.stop();
  return { ...outcome, calls: calls.calls.length };
}

/** A process that was killed right after its answer may take a moment to end. */
async function restarted(victim: TestServer, warehouse: string): Promise<TestServer> {
  await killServer(victim);
  await victim.stop();
  return startServer({ warehouse });
}

export interface Found {
  faults: string[];
  happened: boolean;
  strays: number;
}

export async function judge(heir: TestServer, kill: Kill, outcome: Ending): Promise<Found> {
  const { warehouse, table, operation, before, at } = kill;
  const after = applied(before, operation);
  const found = await readNumbered(heir.client, table);
  const [happened, acknowledged] = [sameRows(found, after), outcome.ended === "done"];
  const strays = strayFiles(join(warehouse, table)).length;
  const faults: string[] = [];
  if (!happened && !sameRows(found, before)) faults.push("half of it happened");
  if (acknowledged && !happened) faults.push("it was acknowledged and is lost");
  if (outcome.ended === "refused") faults.push(`it was refused: ${JSON.stringify(outcome.problem)}`);
  faults.push(...(await repeat(heir, kill, after)), ...faultsOfLog(warehouse, table));
  return {
    faults: faults.map((fault) => `${table}, ${operation.kind} killed at call ${at}: ${fault}`),
    happened,
    strays,
  };
}

async function repeat(heir: TestServer, { warehouse, table, operation }: Kill, after: Rows): Promise<string[]> {
  const again = await perform(heir.client, table, operation, keyed(operation));
  if (again.ended !== "done") return [`the repeat failed: ${JSON.stringify(again)}`];
  const newest = newestVersion(join(warehouse, table));
  const faults = sameRows(await readNumbered(heir.client, table), after) ? [] : ["the repeat made it wrong"];
  return newest === again.version ? faults : [...faults, `the repeat says ${again.version}, the table is at ${newest}`];
}

export function keyed({ id }: Operation): { headers: Record<string, string> } {
  return { headers: { "idempotency-key": id } };
}
