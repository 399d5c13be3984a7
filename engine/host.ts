/** Whether the machine is fit: folders that can be used, room on their disk, and a clock that is right. */
import { constants } from "node:fs";
import { access, mkdir, open, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import type { Log } from "./log.js";

export interface HostNeeds {
  /** The folder that must be written to. */
  readonly state: string;
  /** The folder that must be read, and may be written to. */
  readonly warehouse: string;
  /** Bytes that must be free on the disk of the state folder. */
  readonly reserveBytes: number;
}

/** No commit of a Delta table can be older. */
const earliest = Date.parse("2019-04-24T00:00:00Z");
const clockSlackMs = 3_600_000;

/** Refuses to start where nothing could work. */
export async function checkHost(needs: HostNeeds, log: Log): Promise<void> {
  const { state, warehouse } = needs;
  await requireWritable(state);
  const reasons = await unfitness(needs);
  const [first] = reasons;
  if (first !== undefined) throw unfit(first);
  if (Date.now() < earliest) throw unfit(`The clock says ${new Date().toISOString()}, which is long past: set it.`);
  const { mtimeMs } = await stat(state);
  if (mtimeMs > Date.now() + clockSlackMs)
    log.warn({ state }, "the state folder was changed in the future: is the clock right?");
  const isWritable = await access(warehouse, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!isWritable) log.warn({ warehouse }, "the warehouse can be read and not written");
}

/** Why queries can't be run now; nothing where they can. */
export async function unfitness({ state, warehouse, reserveBytes }: HostNeeds): Promise<string[]> {
  const reasons = await Promise.all([
    reason(() => access(state, constants.R_OK | constants.W_OK | constants.X_OK), "The state folder can't be used"),
    reason(() => access(warehouse, constants.R_OK | constants.X_OK), "The warehouse can't be read"),
    reason(() => requireRoom(state, reserveBytes), "The disk of the state folder is full"),
  ]);
  return reasons.filter((text) => text !== undefined);
}

async function requireRoom(folder: string, reserveBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free < reserveBytes) throw new Error(`${free} bytes are free, and ${reserveBytes} are needed`);
}

async function requireWritable(folder: string): Promise<void> {
  const probe = join(folder, `.probe-${process.pid}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = await open(probe, "w", 0o600);
    await file.sync().finally(() => file.close());
    await rm(probe);
  } catch (error) {
    throw unfit(`The state folder ${folder} can't be written: ${(error as Error).message}. Set LAKEGATE_STATE.`);
  }
}

/** In an answer, without the paths of the machine. */
async function reason(check: () => Promise<void>, what: string): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return `${what}: ${code ?? message}.`;
  }
}

function unfit(message: string): DataFusionEngineError {
  return new DataFusionEngineError(message, { code: "service_unavailable" });
}
