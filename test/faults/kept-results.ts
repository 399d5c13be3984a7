/** Statements whose results are known without a cache, and the answers that are right for them. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { ResultFormat } from "../../schemas/generated/index.js";
import { type Exchange, exchange } from "../fixture/exchange.js";
import { formats, resultPath } from "../fixture/results.js";
import type { TestServer } from "../fixture/server.js";

/** Rows of a statement: from one to several blocks of a file. */
const sizes = [1, 300, 5_000, 30_000];

export const statements = sizes.map(
  (rows) =>
    `SELECT value AS n, md5(CAST(value * ${rows} AS VARCHAR)) AS text FROM generate_series(1, ${rows}) ORDER BY n`,
);

export function ask(
  server: TestServer,
  sql: string,
  format: ResultFormat,
  headers: Record<string, string> = {},
): Promise<Exchange> {
  return exchange(server.url + resultPath({ sql, format }), { headers });
}

export class RightAnswers {
  readonly #bytes = new Map<string, Buffer>();

  /** Computed without the cache. */
  static async from(server: TestServer): Promise<RightAnswers> {
    const answers = new RightAnswers();
    for (const sql of statements)
      for (const format of formats) {
        const { bytes } = await ask(server, sql, format, { "cache-control": "no-store" });
        answers.#bytes.set(`${format} ${sql}`, bytes);
      }
    return answers;
  }

  bytes(sql: string, format: ResultFormat): Buffer {
    const bytes = this.#bytes.get(`${format} ${sql}`);
    if (bytes === undefined) throw new Error(`there is no answer of ${sql} as ${format}`);
    return bytes;
  }
}

/** The files that a server keeps below its state. */
export function keptFiles(state: string): string[] {
  const folder = join(state, "results");
  return readdirSync(folder).map((name) => join(folder, name));
}

/** What a server left behind that was never finished. */
export function unfinishedFiles(state: string): string[] {
  const names = ["results", "queries", "tables"].flatMap((folder) => readdirSync(join(state, folder)));
  return names.filter((name) => name.startsWith(".") || /\.json\.\d+$/.test(name));
}
