/** Whether a server is well: it answers at once, rests when nothing is asked, and holds no more than before. */
import { setTimeout as pause } from "node:timers/promises";
import { processorSeconds, residentBytes } from "../../bench/process-facts.js";
import type { TestServer } from "../fixture/server.js";

const longestAnswerMs = 1_000;
/** The share of a processor that a resting server may use, over a turn. */
const rest = 0.2;
const turnMs = 200;

let asked = 0;

/** Asks for what no cache knows; what is wrong with the answer. */
export async function unwell(server: TestServer, when: string, patience = 1): Promise<string[]> {
  const started = performance.now();
  const n = asked++;
  const answer = await server.client.query(`SELECT ${n} AS n`).catch((error: Error) => error);
  const took = Math.round(performance.now() - started);
  if (answer instanceof Error) return [`${when}: SELECT 1 ended with ${answer.cause ?? answer.message}`];
  if (answer.status !== 200) return [`${when}: SELECT 1 was answered ${answer.status} ${answer.text}`];
  return took <= longestAnswerMs * patience ? [] : [`${when}: SELECT 1 took ${took} ms`];
}

/** The milliseconds until the server rests; undefined where it doesn't within the time. */
export async function untilRest(pid: number, withinMs: number): Promise<number | undefined> {
  const started = performance.now();
  while (performance.now() - started < withinMs + turnMs) {
    const [before, since] = [processorSeconds(pid), performance.now()];
    await pause(turnMs);
    const share = (processorSeconds(pid) - before) / ((performance.now() - since) / 1000);
    if (share <= rest) return Math.max(0, Math.round(performance.now() - started - turnMs));
  }
  return undefined;
}

export function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

export function residentMebibytes({ pid }: TestServer): number {
  return mebibytes(residentBytes(pid));
}
