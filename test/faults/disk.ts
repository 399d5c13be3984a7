/** A system call of a commit fails, for want of room or by a fault of the disk: what is acknowledged is there, what is not isn't half there, and the server goes on. */
import { join } from "node:path";
import { startServer, type TestServer } from "../fixture/server.js";
import { fullDisk } from "./full-disk.js";
import { perform } from "./numbered-table.js";
import { OperationSource } from "./operation-source.js";
import type { OperationKind } from "./operations.js";
import type { Suite } from "./run.js";
import { type Ending, judge, type Kill, keyed, prepare, type Run } from "./syscalls.js";
import { SystemCalls, withoutSystemCalls } from "./system-calls.js";
import { inWarehouse } from "./warehouse.js";

const kinds: readonly OperationKind[] = ["append", "delete", "merge", "optimize"];
const errors = ["ENOSPC", "EIO"] as const;
/** What a fault of the disk is answered with. */
const typed = [503, 507];
const most = 200;

export const disk: Suite = async (random, scale) => [
  ...(await failing(kinds)(random, scale)),
  ...(await fullDisk(random, scale)),
];

/** A scale below 1 takes only that share of the calls. */
export function failing(kinds: readonly OperationKind[]): Suite {
  return (random, scale) => {
    if (withoutSystemCalls) throw new Error(withoutSystemCalls);
    return inWarehouse(async (warehouse) => {
      const run = { warehouse, source: new OperationSource(random), random, scale };
      const server = await startServer({ warehouse, environment: { LAKEGATE_LOG_LEVEL: "fatal" } });
      try {
        const faults: string[] = [];
        for (const kind of kinds) faults.push(...(await failEverywhere(run, server, kind)));
        return faults;
      } finally {
        await server.stop();
      }
    });
  };
}

async function failEverywhere(run: Run, server: TestServer, kind: OperationKind): Promise<string[]> {
  const counts = { failures: 0, acknowledged: 0, refused: 0 };
  const faults: string[] = [];
  const { pid } = server;
  for (let at = 1, isPast = false; !isPast && at <= most; at++) {
    if (at > 1 && run.random.next() >= run.scale) continue;
    const operation = await prepare(run, server, kind, at);
    const ending = await performFailing(server, operation, run.random.pick(errors));
    isPast = ending.calls < at;
    const isTyped = ending.ended === "refused" && typed.includes(ending.status);
    const { faults: found } = await judge(server, operation, isTyped ? { ...ending, ended: "unknown" } : ending);
    faults.push(...found);
    counts.failures += Number(!isPast);
    counts.acknowledged += Number(ending.ended === "done" && !isPast);
    counts.refused += Number(isTyped);
  }
  if (server.pid !== pid) faults.push(`${kind}: the process ended`);
  const { failures, acknowledged, refused } = counts;
  console.log(
    `  ${kind}: ${failures} calls failed; ${acknowledged} operations were done all the same, ${refused} refused`,
  );
  return faults;
}

async function performFailing(
  server: TestServer,
  { warehouse, table, operation, at }: Kill,
  error: (typeof errors)[number],
): Promise<Ending> {
  const calls = await SystemCalls.of(server.pid, join(warehouse, table), { mode: "fail", at, error });
  const outcome = await perform(server.client, table, operation, keyed(operation));
  await calls.stop();
  return { ...outcome, calls: calls.calls.length };
}
