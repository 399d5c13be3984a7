/** kill -9 at every system call by which a change of a registry reaches the disk or its client: afterwards what is registered is as before or as after. */
import { mkdirSync, rmSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import type { CatalogDocument, RegistrySnapshot } from "../../schemas/generated/index.js";
import type { Client } from "../fixture/client.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";
import { killServer } from "./killed.js";
import type { Suite } from "./run.js";
import { SystemCalls, withoutSystemCalls } from "./system-calls.js";

interface Change {
  readonly path: string;
  readonly method: "PUT" | "DELETE";
  readonly body?: object;
}

const before: CatalogDocument = {
  views: {
    low: { sql: "SELECT 1 AS n", parameters: {}, cache_policy: "none" },
    high: { sql: "SELECT n + 1 AS n FROM low", parameters: {}, cache_policy: "none" },
  },
};

const changes: Readonly<Record<string, Change>> = {
  added: { path: "/v1/views/added", method: "PUT", body: { sql: "SELECT 3 AS n" } },
  replaced: { path: "/v1/views/low", method: "PUT", body: { sql: "SELECT 2 AS n", description: "Another." } },
  removed: { path: "/v1/views/high", method: "DELETE" },
  restored: {
    path: "/v1/registries/snapshot?mode=replace",
    method: "PUT",
    body: {
      views: { low: { sql: "SELECT 5 AS n" }, top: { sql: "SELECT n FROM low" }, other: { sql: "SELECT 6 AS n" } },
    },
  },
};

const most = 200;

/** A scale below 1 takes only that share of the calls. */
export const registries: Suite = async (random, scale) => {
  if (withoutSystemCalls) throw new Error(withoutSystemCalls);
  const faults: string[] = [];
  for (const [name, change] of Object.entries(changes)) {
    const after = await whenAllIsWell(change);
    const counts = { kills: 0, acknowledged: 0, happened: 0 };
    for (let at = 1; at <= most; at++) {
      if (at > 1 && random.next() >= scale) continue;
      const end = await killedAt(change, at);
      if (end.calls < at) break;
      const happened = isDeepStrictEqual(end.found, after);
      counts.kills += 1;
      counts.acknowledged += Number(end.acknowledged);
      counts.happened += Number(happened);
      if (!happened && !isDeepStrictEqual(end.found, before))
        faults.push(`${name} killed at call ${at}: half of it happened: ${JSON.stringify(end.found)}`);
      if (end.acknowledged && !happened) faults.push(`${name} killed at call ${at}: it was acknowledged and is lost`);
    }
    console.log(`  ${name}: ${counts.kills} kills, ${counts.acknowledged} acknowledged, ${counts.happened} found done`);
  }
  return faults;
};

async function whenAllIsWell(change: Change): Promise<CatalogDocument> {
  return inFolders(async (server) => {
    await apply(server.client, change);
    return { found: await registered(server.client), server };
  }).then(({ found }) => found);
}

interface End {
  readonly found: CatalogDocument;
  readonly calls: number;
  readonly acknowledged: boolean;
}

function killedAt(change: Change, at: number): Promise<End> {
  return inFolders(async (server, state, start) => {
    const followed = await SystemCalls.of(server.pid, state, { mode: "kill", at });
    const acknowledged = await apply(server.client, change);
    await followed.stop();
    await killServer(server);
    await server.stop();
    const heir = await start();
    const found = await registered(heir.client);
    return { found, calls: followed.calls.length, acknowledged, server: heir };
  });
}

/** Gives `work` a server that has what was registered before, and ends the one that it gives back. */
async function inFolders<T extends { server: TestServer }>(
  work: (server: TestServer, state: string, start: () => Promise<TestServer>) => Promise<T>,
): Promise<T> {
  const [warehouse, state] = [temporaryFolder(), temporaryFolder()];
  mkdirSync(warehouse, { recursive: true });
  const start = () => startServer({ warehouse, state });
  try {
    const server = await start();
    await apply(server.client, { path: "/v1/registries/snapshot", method: "PUT", body: before });
    const done = await work(server, state, start);
    await done.server.stop();
    return done;
  } finally {
    rmSync(warehouse, { recursive: true, force: true });
    rmSync(state, { recursive: true, force: true });
  }
}

/** Whether it was acknowledged. */
async function apply(client: Client, { path, method, body }: Change): Promise<boolean> {
  const sent = body === undefined ? client.send(path, { method }) : client.sendJson(path, body, { method });
  const answer = await sent.catch(() => undefined);
  if (answer !== undefined && answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
  return answer !== undefined;
}

async function registered(client: Client): Promise<CatalogDocument> {
  const snapshot = await client.send("/v1/registries/views/snapshot");
  return snapshot.as<RegistrySnapshot>().catalog;
}
