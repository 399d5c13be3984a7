/** Gates are judged by Rust alone: every broken rule is listed, in order, and what a gate asks is all that counts. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { DataFusionEngineError } from "../../engine/data-fusion-engine-error.js";
import { validateProtocolGate } from "../../engine/native.js";
import type { DeltaFeatureGate, DeltaProtocolSnapshot, GateFailure } from "../../schemas/generated/index.js";

const plain: DeltaProtocolSnapshot = { min_reader_version: 1, min_writer_version: 2 };
const modern: DeltaProtocolSnapshot = {
  min_reader_version: 3,
  min_writer_version: 7,
  reader_features: ["deletionVectors"],
  writer_features: ["appendOnly", "deletionVectors"],
};

interface Case {
  readonly name: string;
  readonly protocol: DeltaProtocolSnapshot;
  readonly gate: DeltaFeatureGate;
  readonly failures: readonly GateFailure[];
}

const cases: readonly Case[] = [
  { name: "a gate that asks for nothing passes", protocol: plain, gate: {}, failures: [] },
  { name: "a gate that asks for nothing needs no protocol", protocol: {}, gate: {}, failures: [] },
  {
    name: "a version that is met passes",
    protocol: plain,
    gate: { min_reader_version: 1, min_writer_version: 2 },
    failures: [],
  },
  { name: "zero is asked for too", protocol: plain, gate: { min_reader_version: 0 }, failures: [] },
  {
    name: "every broken rule is listed in order",
    protocol: plain,
    gate: {
      min_reader_version: 3,
      min_writer_version: 7,
      required_reader_features: ["deletionVectors", "v2Checkpoint"],
      required_writer_features: ["deletionVectors"],
    },
    failures: [
      { rule: "reader_version", required: 3, actual: 1, missing: [] },
      { rule: "writer_version", required: 7, actual: 2, missing: [] },
      {
        rule: "reader_features",
        required: ["deletionVectors", "v2Checkpoint"],
        actual: [],
        missing: ["deletionVectors", "v2Checkpoint"],
      },
      { rule: "writer_features", required: ["deletionVectors"], actual: [], missing: ["deletionVectors"] },
    ],
  },
  {
    name: "only what lacks is missing",
    protocol: modern,
    gate: { required_writer_features: ["deletionVectors", "changeDataFeed"] },
    failures: [
      {
        rule: "writer_features",
        required: ["deletionVectors", "changeDataFeed"],
        actual: ["appendOnly", "deletionVectors"],
        missing: ["changeDataFeed"],
      },
    ],
  },
  {
    name: "features are told apart by case",
    protocol: modern,
    gate: { required_reader_features: ["DeletionVectors"] },
    failures: [
      {
        rule: "reader_features",
        required: ["DeletionVectors"],
        actual: ["deletionVectors"],
        missing: ["DeletionVectors"],
      },
    ],
  },
  {
    name: "a version that the protocol doesn't name is not met",
    protocol: { min_writer_version: 7 },
    gate: { min_reader_version: 0 },
    failures: [{ rule: "reader_version", required: 0, actual: null, missing: [] }],
  },
];

describe("protocol gates", () => {
  for (const { name, protocol, gate, failures } of cases) {
    it(name, () => {
      const verdict = validateProtocolGate(protocol, gate);
      assert.deepEqual(verdict.failures, failures);
      assert.equal(verdict.passed, failures.length === 0);
    });
  }

  it("a gate without a protocol is an error of kind delta", () => {
    const judge = () => validateProtocolGate({}, { min_reader_version: 1 });
    assert.throws(judge, (error: unknown) => {
      assert.ok(error instanceof DataFusionEngineError);
      assert.deepEqual([error.code, error.kind], ["protocol_unavailable", "delta"]);
      return true;
    });
  });

  it("passes exactly when every version is reached and every feature is there", () => {
    fc.assert(
      fc.property(protocols, gates, (protocol, gate) => {
        assert.equal(validateProtocolGate(protocol, gate).passed, passes(protocol, gate));
      }),
    );
  });
});

const versions = fc.integer({ min: 0, max: 8 });
const features = fc.subarray(["appendOnly", "columnMapping", "deletionVectors", "v2Checkpoint"]);
const protocols = fc.record({
  min_reader_version: versions,
  min_writer_version: versions,
  reader_features: features,
  writer_features: features,
});
const gates = fc.record(
  {
    min_reader_version: versions,
    min_writer_version: versions,
    required_reader_features: features,
    required_writer_features: features,
  },
  { requiredKeys: [] },
);

function passes(protocol: DeltaProtocolSnapshot, gate: DeltaFeatureGate): boolean {
  const reaches = (least?: number | null, actual?: number | null) => (least ?? 0) <= (actual ?? 0);
  const within = (wanted: string[] = [], there: string[] = []) => new Set([...wanted, ...there]).size === there.length;
  return (
    reaches(gate.min_reader_version, protocol.min_reader_version) &&
    reaches(gate.min_writer_version, protocol.min_writer_version) &&
    within(gate.required_reader_features, protocol.reader_features) &&
    within(gate.required_writer_features, protocol.writer_features)
  );
}
