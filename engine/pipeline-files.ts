/** The files that pipelines have written, as they are served. */
import { type FileHandle, open } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { hashText } from "./hashing.js";
import type { PipelineOutputs } from "./pipeline/pipeline-outputs.js";

/** A file, open to be read; another that takes its place meanwhile is another file. */
export interface PipelineFile {
  readonly name: string;
  readonly size: number;
  /** Another one where the bytes may be others. */
  readonly revision: string;
  readonly modified: Date;
  /** The run that wrote it. */
  readonly runId: string;
  /** Its bytes from one to the one before another; closes the file at their end. */
  read(start: number, end: number): Readable;
  close(): Promise<void>;
}

export class PipelineFiles {
  readonly #outputs: PipelineOutputs;
  readonly #warehouse: string;

  constructor(outputs: PipelineOutputs, warehouse: string) {
    this.#outputs = outputs;
    this.#warehouse = warehouse;
  }

  /** What was last written of a node. */
  async open(pipeline: string, node: string): Promise<PipelineFile> {
    const { file, run_id: runId } = this.#outputs.get(pipeline, node) ?? {};
    if (file === undefined || runId === undefined) throw noFile(`No run of ${pipeline} has written a file of ${node}.`);
    const handle = await opened(join(this.#warehouse, file), node);
    const { ino, size, mtimeNs, mtime } = await handle.stat({ bigint: true });
    return {
      name: basename(file),
      size: Number(size),
      revision: hashText(`${ino} ${size} ${mtimeNs}`),
      modified: mtime,
      runId,
      read: (start, end) => handle.createReadStream({ start, end: end - 1 }),
      close: () => handle.close(),
    };
  }
}

async function opened(path: string, node: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw noFile(`The file of ${node} is no longer there; the next run writes it again.`);
  }
}

function noFile(message: string): DataFusionEngineError {
  return new DataFusionEngineError(message, { code: "output_not_found" });
}
