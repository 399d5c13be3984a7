/** kill -9 at every system call of a commit by which it changes files or answers: afterwards the table is as before or as after, and a repeat makes it exactly once. */
import { join } from "node:path";
import { startServer, type TestServer } from "../fixture/server.js";
import { faultsOfLog, newestVersion, strayFiles } from "./commit-log.js";
import { createNumbered, type Outcome, perform, readNumbered } from "./numbered-table.js";
import { OperationSource } from "./operation-source.js";
import { applied, type Operation, type OperationKind, type Rows, sameRows } from "./operations.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";
import { SystemCalls, withoutSystemCalls } from "./system-calls.js";
import { inWarehouse } from "./warehouse.js";

const kinds: readonly OperationKind[] = ["append", "overwrite", "delete", "update", "merge", "optimize"];
/** Each commit writes a checkpoint too, where the library honours it. */
const properties = { "delta.checkpointInterval": "1" };
const most = 400;

interface Kill {
  warehouse: string;
  table: string;
  operation: Operation;
  before: Rows;
  at: number;
}

/** `scale` below 1 takes only a share of the calls. */
export const syscalls: Suite = (random, scale) => {
  if (withoutSystemCalls) throw new Error(withoutSystemCalls);
  return inWarehouse(async (warehouse) => {
    const source = new OperationSource(random);
    const faults: string[] = [];
    for (const kind of kinds) faults.push(...(await killEverywhere(warehouse, source, kind, random, scale)));
    return faults;
  });
};

async function killEverywhere(
  warehouse: string,
  source: OperationSource,
  kind: OperationKind,
  random: SeededRandom,
  scale: number,
): Promise<string[]> {
  const faults: string[] = [];
  const counts = { kills: 0, acknowledged: 0, happened: 0, strays: 0 };
  let total = most;
  for (let at = 1; at <= total; at++) {
    if (at > 1 && random.next() >= scale) continue;
    const killed = await killAt(warehouse, source, kind, at);
    faults.push(...killed.faults);
    if (killed.survived) total = at;
    counts.kills += Number(!killed.survived);
    counts.acknowledged += Number(killed.acknowledged);
    counts.happened += Number(killed.happened);
    counts.strays += killed.strays;
  }
  const { kills, acknowledged, happened, strays } = counts;
  console.log(
    `  ${kind}: ${kills} kills, ${acknowledged} acknowledged, ${happened} found done, ${strays} files left over`,
  );
  return faults;
}

interface Killed {
  faults: string[];
  /** There is no such call any more. */
  survived: boolean;
  acknowledged: boolean;
  happened: boolean;
  strays: number;
}

async function killAt(warehouse: string, source: OperationSource, kind: OperationKind, at: number): Promise<Killed> {
  const table = `${kind}_${at}`;
  const victim = await startServer({ warehouse });
  const before = await prepare(victim, table, source);
  const operation = everyRow(source.next(kind));
  const outcome = await performKilled(victim, { warehouse, table, operation, before, at });
  const survived = outcome.calls < at;
  await victim.stop();
  const heir = await startServer({ warehouse });
  try {
    return { survived, ...(await judge(heir, { warehouse, table, operation, before, at }, outcome)) };
  } finally {
    await heir.stop();
  }
}

async function prepare({ client }: TestServer, table: string, source: OperationSource): Promise<Rows> {
  await createNumbered(client, table, properties);
  for (let file = 0; file < 3; file++) await perform(client, table, source.next("append"));
  return readNumbered(client, table);
}

function everyRow(operation: Operation): Operation {
  return "where" in operation ? { ...operation, where: undefined } : operation;
}

type Ending = Outcome & { calls: number };

async function performKilled(victim: TestServer, { warehouse, table, operation, at }: Kill): Promise<Ending> {
  const calls = await SystemCalls.of(victim.pid, join(warehouse, table), { mode: "kill", at });
  const outcome = await perform(victim.client, table, operation, keyed(operation));
  await calls.stop();
  return { ...outcome, calls: calls.calls.length };
}

async function judge(heir: TestServer, kill: Kill, outcome: Ending): Promise<Omit<Killed, "survived">> {
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
    acknowledged,
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

function keyed({ id }: Operation): { headers: Record<string, string> } {
  return { headers: { "idempotency-key": id } };
}
