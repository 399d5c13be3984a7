/** A fingerprint changes with what a result depends on, and with nothing else. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  buildIdentityPayload,
  type IdentityPayload,
  identityFingerprint,
  type SourceIdentity,
  storageOptionsHash,
} from "../../engine/identity.js";

const source: SourceIdentity = {
  table_uri: "s3://lake/flights",
  version: 3,
  commit: "1768469400000-1024",
  protocol: { min_reader_version: 3, min_writer_version: 7, reader_features: ["deletionVectors", "v2Checkpoint"] },
  scan_config_hash: "a".repeat(64),
  storage_options_hash: storageOptionsHash({ aws_secret_access_key: "open sesame" }),
};
const view = {
  definition: "SELECT count(*) FROM flights WHERE delay > $1",
  parameters: [15],
  settings: { time_zone: "+00:00" },
  function_versions: { median: "55.2.0" },
};
const identity: IdentityPayload = { sources: { flights: source, airports: { ...source, version: 9 } }, view };
const fingerprint = (of: IdentityPayload) => identityFingerprint(buildIdentityPayload(of));
const withSource = (change: Partial<SourceIdentity>): IdentityPayload => ({
  ...identity,
  sources: { ...identity.sources, flights: { ...source, ...change } },
});
const withView = (change: object): IdentityPayload => ({ ...identity, view: { ...view, ...change } });

describe("identity", () => {
  it("is the same for the same things, in any order", () => {
    const { flights, airports } = identity.sources as Record<string, SourceIdentity>;
    const features = ["v2Checkpoint", "deletionVectors", "v2Checkpoint"];
    const protocol = { writer_features: [], reader_features: features, min_writer_version: 7, min_reader_version: 3 };
    const reordered = {
      view: Object.fromEntries(Object.entries(view).reverse()),
      sources: { airports, flights: { ...flights, protocol } },
    };
    assert.equal(fingerprint(reordered as unknown as IdentityPayload), fingerprint(identity));
  });

  it("changes with everything that a result depends on", () => {
    const changed: IdentityPayload[] = [
      identity,
      withSource({ version: 4 }),
      withSource({ version: 2n ** 60n }),
      withSource({ commit: "1768469400001-1024" }),
      withSource({ commit: null }),
      withSource({ table_uri: "s3://lake/flights2" }),
      withSource({ protocol: { ...source.protocol, min_reader_version: 1 } }),
      withSource({ scan_config_hash: "b".repeat(64) }),
      withSource({ storage_options_hash: storageOptionsHash({ aws_secret_access_key: "open barley" }) }),
      { ...identity, sources: { flights: source } },
      { ...identity, sources: { flights: { ...source, version: 9 }, airports: source } },
      withView({ definition: "SELECT 1" }),
      withView({ parameters: [16] }),
      withView({ parameters: ["15"] }),
      withView({ parameters: { delay: 15 } }),
      withView({ settings: { time_zone: "Europe/Paris" } }),
      withView({ function_versions: { median: "55.3.0" } }),
    ];
    assert.equal(new Set(changed.map(fingerprint)).size, changed.length);
  });

  it("holds neither times nor secrets, also when it is given some", () => {
    const timed = { ...withSource({ ...source, registered_at: "2026-01-15T09:30:00Z" } as SourceIdentity) };
    const payload = buildIdentityPayload({ ...timed, view: { ...view, started_at: Date.now() } as typeof view });
    assert.deepEqual(payload, buildIdentityPayload(identity));
    assert.doesNotMatch(JSON.stringify(payload), /sesame|_at"|time"/);
  });
});
