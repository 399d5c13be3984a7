/** What a result is kept under: the fingerprint of everything that it depends on. */
import type { QueryIdentity, QueryParameters, QuerySource } from "../schemas/generated/index.js";
import { CacheKeyBuilder, hashMsgpackCanonical } from "./hashing.js";
import { buildIdentityPayload, type SourceIdentity, storageOptionsHash } from "./identity.js";

/** The storage options of a table, by its name. */
export type StorageOptions = (table: string) => Readonly<Record<string, string>>;

export function resultKey(
  { statement, engine, time_zone, row_limit = null, settings = {}, sources, views = {}, values = {} }: QueryIdentity,
  parameters: QueryParameters | undefined,
  options: StorageOptions,
): string {
  const { sources: read, view } = buildIdentityPayload({
    sources: Object.fromEntries(sources.map((source) => [source.name, sourceIdentity(source, options(source.name))])),
    view: {
      definition: statement,
      parameters: parameters ?? [],
      settings: { time_zone, row_limit, ...settings },
      function_versions: { engine },
      views,
      values,
    },
  });
  return new CacheKeyBuilder("result").add("sources", read).add("view", view).build();
}

/** Whether a version is pinned changes when it is looked for, not what it holds. */
function sourceIdentity(source: QuerySource, options: Readonly<Record<string, string>>): SourceIdentity {
  const { uri: table_uri, version, commit = null, protocol, scan } = source;
  return {
    table_uri,
    version,
    commit,
    protocol,
    scan_config_hash: hashMsgpackCanonical(scan),
    storage_options_hash: storageOptionsHash(options),
  };
}
