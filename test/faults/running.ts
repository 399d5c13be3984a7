/** Queries that run without their client, and how they stand. */
import { setTimeout as pause } from "node:timers/promises";
import type { QuarantineEntry, QuarantineList, QueryAcceptance, QueryStatus } from "../../schemas/generated/index.js";
import type { Client } from "../fixture/client.js";

/** Joins that come to no end; another one for each seed. */
export const endless = (seed: number) =>
  `SELECT count(*) + ${seed} AS n FROM generate_series(1, 3000000) a JOIN generate_series(1, 3000000) b ON a.value <> b.value`;

/** Has a query run; resolves to its id when it does. */
export async function running(client: Client, sql: string): Promise<string> {
  const id = await accepted(client, sql);
  while ((await statusOf(client, id)).status === "PENDING") await pause(5);
  return id;
}

export async function accepted(client: Client, sql: string, session_id?: string): Promise<string> {
  const answer = await client.query({ sql, wait_timeout_ms: 0, ...(session_id && { session_id }) });
  if (answer.status !== 202) throw new Error(`${answer.status} instead of 202: ${answer.text}`);
  return answer.as<QueryAcceptance>().query_id;
}

export async function statusOf(client: Client, id: string): Promise<QueryStatus> {
  return (await client.send(`/v1/queries/${id}`)).as<QueryStatus>();
}

/** How a query ended, once it has. */
export async function ended(client: Client, id: string): Promise<QueryStatus> {
  for (;;) {
    const status = await statusOf(client, id);
    if (status.status !== "PENDING" && status.status !== "RUNNING") return status;
    await pause(10);
  }
}

export async function quarantine(client: Client): Promise<QuarantineEntry[]> {
  return (await client.send("/v1/quarantine")).as<QuarantineList>().items;
}
