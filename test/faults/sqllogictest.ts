/** What SQL answers is right: DataFusion's own sqllogictest files, over HTTP, through the engine's session. */
import { startServer } from "../fixture/server.js";
import { ask, type Tally } from "../sqllogictest/ask.js";
import { differenceOf } from "../sqllogictest/differences.js";
import { sqlLogicFiles } from "../sqllogictest/files.js";
import type { Suite } from "./run.js";
import { inWarehouse } from "./warehouse.js";

const leastShare = 0.98;

/** A scale below 1 takes only that share of the files that apply at all. */
export const sqllogictest: Suite = (random, scale) =>
  inWarehouse(async (warehouse) => {
    const files = sqlLogicFiles();
    const names = files.names.filter((name) => name.startsWith("spark/") || random.next() < scale);
    const server = await startServer({ warehouse, environment: { LAKEGATE_LOG_LEVEL: "fatal" } });
    try {
      const { pid } = server;
      const tally = await ask(server.url, files, names);
      const faults = judge(tally, files.version);
      return server.pid === pid ? faults : [...faults, "the process ended and was started again"];
    } finally {
      await server.stop();
    }
  });

function judge(tally: Tally, version: string): string[] {
  const { files, records, passed, in_other_words, in_another_order, tables, views, inapplicable, failed } = tally;
  const applied = passed + failed.length;
  const share = passed / applied;
  console.log(`  DataFusion ${version}: ${files} files, ${records} records, of which ${applied} apply`);
  console.log(
    `  ${passed} hold (${(share * 100).toFixed(2)} %), ${in_other_words} of them as an error in other words, ${in_another_order} in another order where the statement says none; over ${tables} Delta tables and ${views} views`,
  );
  printCounts("don't apply", Object.entries(inapplicable));
  const different: Record<string, number> = {};
  for (const { sql, said } of failed) {
    const reason = differenceOf(sql, said) ?? "for no known reason";
    different[reason] = (different[reason] ?? 0) + 1;
  }
  printCounts("don't hold", Object.entries(different));
  const unknown = failed.filter(({ sql, said }) => differenceOf(sql, said) === undefined);
  const faults = unknown.map(({ place, said }) => `${place}: ${said}`);
  return share >= leastShare ? faults : [`${(share * 100).toFixed(2)} % of what applies holds`, ...faults];
}

function printCounts(title: string, counts: [string, number][]): void {
  console.log(`  ${title}:`);
  for (const [reason, count] of counts.sort(([, a], [, b]) => b - a)) console.log(`    ${count} × ${reason}`);
}
