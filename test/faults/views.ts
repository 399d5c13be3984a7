/** Views whose rows are kept, asked after every commit and every new definition below them: what they give is never what was. */
import { rmSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import type { Client } from "../fixture/client.js";
import { startServer, temporaryFolder } from "../fixture/server.js";
import type { Suite } from "./run.js";

const policies = ["none", "memory", "disk", "delta"] as const;
const commits = 1000;

/** A scale below 1 makes only that share of the commits. */
export const views: Suite = async (random, scale) => {
  const warehouse = temporaryFolder();
  const server = await startServer({ warehouse });
  const { client } = server;
  const counts = { commits: 0, definitions: 0, answers: 0 };
  const faults: string[] = [];
  try {
    await done(client.sendJson("/v1/tables/events/rows?mode=create", rowsOf(0)));
    await define(client, 0);
    for (let round = 1; round <= Math.max(1, commits * scale); round++) {
      if (random.next() < 0.05) {
        await define(client, random.below(5));
        counts.definitions += 1;
      } else {
        await done(client.sendJson("/v1/tables/events/rows?mode=append", rowsOf(round)));
        counts.commits += 1;
      }
      const [expected, ...kept] = await Promise.all(
        policies.map((policy) => client.rows(`SELECT * FROM by_${policy} ORDER BY bucket`)),
      );
      counts.answers += kept.length;
      for (const [index, rows] of kept.entries())
        if (!isDeepStrictEqual(rows, expected))
          faults.push(
            `round ${round}, ${policies[index + 1]}: ${JSON.stringify(rows)}, not ${JSON.stringify(expected)}`,
          );
    }
    if (server.output().includes("without their kept rows")) faults.push("rows of views could not be kept");
  } finally {
    await server.stop();
    rmSync(warehouse, { recursive: true, force: true });
  }
  console.log(`  ${counts.commits} commits, ${counts.definitions} definitions, ${counts.answers} answers`);
  return faults;
};

/** The same view of each policy, over one view that is defined anew. */
async function define(client: Client, least: number): Promise<void> {
  const put = (name: string, definition: object) =>
    done(client.sendJson(`/v1/views/${name}`, definition, { method: "PUT" }));
  await put("base", { sql: `SELECT id, amount FROM events WHERE amount >= ${least}` });
  for (const cache_policy of policies)
    await put(`by_${cache_policy}`, {
      sql: "SELECT id % 3 AS bucket, count(*) AS n, sum(amount) AS amount FROM base GROUP BY 1",
      cache_policy,
    });
}

function rowsOf(round: number): object[] {
  return [1, 2, 3].map((index) => ({ id: round * 3 + index, amount: (round * 7 + index) % 11 }));
}

async function done(answer: Promise<{ status: number; text: string }>): Promise<void> {
  const { status, text } = await answer;
  if (status >= 300) throw new Error(`${status}: ${text}`);
}
