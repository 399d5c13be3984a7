/** Writes rows to files of the warehouse's exports, each whole or not at all. */
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DataFusionEngineError } from "../data-fusion-engine-error.js";
import type { ResultBody } from "../result-body.js";
import type { ResultReader } from "../result-reader.js";
import type { Materializer, WriteWork, Written } from "./materializer.js";

/** Below the warehouse; folders of such names are not served as tables. */
const folder = "_exports";

export class FileMaterializer implements Materializer {
  readonly #reader: ResultReader;
  readonly #warehouse: string;

  constructor(reader: ResultReader, warehouse: string) {
    this.#reader = reader;
    this.#warehouse = warehouse;
  }

  async write({ run, node, to, key, signal }: WriteWork): Promise<Written> {
    const { file: name = "", format = "parquet" } = to;
    const file = join(folder, run.pipeline, `${name}.${format}`);
    const body = await this.#reader.whole(key, { format });
    if (body === undefined) throw gone(node);
    await writeWhole(join(this.#warehouse, file), `${run.id}.${node}`, body, signal);
    return { file };
  }

  async isThere({ file = "" }: Written): Promise<boolean> {
    const found = await stat(join(this.#warehouse, file)).catch(() => undefined);
    return found?.isFile() ?? false;
  }
}

/** Under another name until all of it is on the disk. */
async function writeWhole(path: string, writer: string, body: ResultBody, signal: AbortSignal): Promise<void> {
  const unfinished = join(dirname(path), `.${writer}.unfinished`);
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeAll(unfinished, body, signal);
    await rename(unfinished, path);
    await syncFolder(dirname(path));
  } catch (error) {
    body.cancel();
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function writeAll(path: string, body: ResultBody, signal: AbortSignal): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.appendFile(body.first);
    if (!body.complete) {
      for (let more = await body.next(); more !== null; more = await body.next()) {
        signal.throwIfAborted();
        await file.appendFile(more);
      }
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const opened = await open(path, "r");
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

function gone(node: string): DataFusionEngineError {
  return new DataFusionEngineError(`The rows of the node ${node} are gone.`, { code: "result_expired" });
}
