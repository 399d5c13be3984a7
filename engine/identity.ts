/** The identity of a result: what it is computed of and how, from which every fingerprint and cache key is derived. */
import type { DeltaProtocolSnapshot } from "../schemas/generated/index.js";
import { hashMsgpackCanonical } from "./hashing.js";

export interface SourceIdentity {
  readonly table_uri: string;
  readonly version: number | bigint;
  /** Tells the version from that of a table put in its place; null where that is not known. */
  readonly commit: string | null;
  readonly protocol: DeltaProtocolSnapshot;
  readonly scan_config_hash: string;
  /** Never the options themselves: they may hold secrets. */
  readonly storage_options_hash: string;
}

export interface ViewIdentity {
  readonly definition: string;
  /** By position or by name. */
  readonly parameters: readonly unknown[] | Readonly<Record<string, unknown>>;
  /** Those of the session that change results. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly function_versions: Readonly<Record<string, string>>;
  /** The views that the definition reads, by name. */
  readonly views?: Readonly<Record<string, unknown>>;
  /** The keys of rows that stand for relations, by their names. */
  readonly values?: Readonly<Record<string, string>>;
}

export interface IdentityPayload {
  readonly sources: Readonly<Record<string, SourceIdentity>>;
  readonly view: ViewIdentity;
}

/** Only what counts, in one form: of what else the arguments hold, such as times, nothing is kept. */
export function buildIdentityPayload({ sources, view }: IdentityPayload): IdentityPayload {
  const { definition, parameters, settings, function_versions, views = {}, values = {} } = view;
  const identities = Object.entries(sources).map(([dataset, source]) => [dataset, sourceIdentity(source)]);
  return {
    sources: Object.fromEntries(identities),
    view: { definition, parameters, settings, function_versions, views, values },
  };
}

export function identityFingerprint(payload: IdentityPayload): string {
  return hashMsgpackCanonical(payload);
}

export function storageOptionsHash(options: Readonly<Record<string, string>>): string {
  return hashMsgpackCanonical(options);
}

function sourceIdentity({ protocol, ...source }: SourceIdentity): SourceIdentity {
  const { table_uri, version, commit, scan_config_hash, storage_options_hash } = source;
  return { table_uri, version, commit, protocol: protocolIdentity(protocol), scan_config_hash, storage_options_hash };
}

/** What is absent is null or empty, and features are a set. */
function protocolIdentity(protocol: DeltaProtocolSnapshot): Required<DeltaProtocolSnapshot> {
  const { min_reader_version = null, min_writer_version = null, reader_features, writer_features } = protocol;
  return {
    min_reader_version,
    min_writer_version,
    reader_features: inOrder(reader_features),
    writer_features: inOrder(writer_features),
  };
}

function inOrder(features: readonly string[] = []): string[] {
  return [...new Set(features)].sort();
}
