/** Two servers with a cache of their own each, over one warehouse that changes: no answer is older than what was acknowledged before it was asked for. */
import type { QueryAnswer } from "../../schemas/generated/index.js";
import { cacheUse } from "../fixture/results.js";
import { startServer, type TestServer } from "../fixture/server.js";
import { report, Writing } from "../fixture/writing.js";
import type { Suite } from "./run.js";
import type { SeededRandom } from "./seeded-random.js";
import { inWarehouse } from "./warehouse.js";

const commitCount = 400;
const readersEach = 3;
const table = "shared";

export const twoCaches: Suite = (random, scale) =>
  inWarehouse(async (warehouse) => {
    const servers = await Promise.all([startServer({ warehouse }), startServer({ warehouse })]);
    try {
      const shared = new SharedTable(servers, random);
      await shared.create();
      const readers = servers.flatMap((server) => Array.from({ length: readersEach }, () => shared.read(server)));
      await shared.write(Math.round(commitCount * scale));
      await Promise.all(readers);
      console.log(`  ${shared.tally()}`);
      return shared.faults;
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  });

class SharedTable {
  readonly faults: string[] = [];
  readonly #servers: readonly TestServer[];
  readonly #random: SeededRandom;
  readonly #uses: Record<string, number> = {};
  #acknowledged = 0;
  #isWritten = false;

  constructor(servers: readonly TestServer[], random: SeededRandom) {
    this.#servers = servers;
    this.#random = random;
  }

  async create(): Promise<void> {
    const [first] = this.#servers;
    if (first === undefined) throw new Error("there is no server");
    const made = await new Writing(() => first.client).create(table, { columns: [{ name: "id", dtype: "Int64" }] });
    if (made.status !== 201) throw new Error(made.text);
  }

  /** Each commit adds one row, so that a version is as many rows. */
  async write(commits: number): Promise<void> {
    for (let id = 1; id <= commits; id++) {
      const { client } = this.#random.pick(this.#servers);
      this.#acknowledged = report(await new Writing(() => client).rows(table, [{ id }])).version;
    }
    this.#isWritten = true;
  }

  async read({ client }: TestServer): Promise<void> {
    const statements = [`SELECT count(*) AS n FROM ${table}`, `SELECT max(id) AS n FROM ${table} HAVING count(*) >= 0`];
    while (!this.#isWritten) {
      const before = this.#acknowledged;
      const answer = await client.query(this.#random.pick(statements));
      if (answer.status !== 200) this.faults.push(`${answer.status}: ${answer.text}`);
      else this.#judge(before, answer.as<QueryAnswer>(), cacheUse(answer));
    }
  }

  tally(): string {
    const uses = Object.entries(this.#uses).map(([use, count]) => `${count} ${use}`);
    return `${this.#acknowledged} commits; answers: ${uses.join(", ")}`;
  }

  #judge(before: number, { tables, data }: QueryAnswer, use: string): void {
    this.#uses[use] = (this.#uses[use] ?? 0) + 1;
    const version = tables[0]?.version ?? -1;
    const [{ n }] = data as [{ n: number | null }];
    if (version < before) this.faults.push(`version ${version} after ${before} was acknowledged (${use})`);
    if (Number(n) !== version) this.faults.push(`${n} rows at version ${version} (${use})`);
  }
}
