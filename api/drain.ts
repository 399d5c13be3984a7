/** Ends the service without breaking what runs: it takes nothing new, waits, and cancels what takes too long. */
import type { FastifyInstance } from "fastify";
import type { Engine } from "../engine/index.js";

/** How often a closing server looks whether it may go; Node tells nobody of connections whose answers have ended. */
const lookMs = 50;
/** How long answers of cancelled queries may take to say so. */
const lastWordsMs = 1_000;

export async function drain(app: FastifyInstance, engine: Engine, drainMs: number): Promise<void> {
  app.refuseWork();
  engine.drain();
  const isIdle = () => app.requestsUnderWay() === 0 && engine.queryRecords.running === 0;
  await waitUntil(isIdle, drainMs);
  engine.close();
  await waitUntil(isIdle, lastWordsMs);
  const idle = setInterval(() => app.server.closeIdleConnections(), lookMs);
  setTimeout(() => app.server.closeAllConnections(), lastWordsMs).unref();
  await app.close();
  await engine.saved();
  clearInterval(idle);
}

async function waitUntil(isSo: () => boolean, deadlineMs: number): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!isSo() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, lookMs));
}
