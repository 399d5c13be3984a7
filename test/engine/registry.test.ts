/** What every registry must do. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DataFusionEngineError, ImmutableRegistry, MutableRegistry, type Registry } from "../../engine/index.js";

const entries = [
  ["b", 1],
  ["a", 2],
] as const;

const makers: Readonly<Record<string, () => Registry<string, number>>> = {
  ImmutableRegistry: () => ImmutableRegistry.from(entries),
  MutableRegistry: filled,
  "a snapshot": () => filled().snapshot(),
};

for (const [name, make] of Object.entries(makers)) {
  describe(name, () => {
    it("gives what was registered, in that order", () => {
      const registry = make();
      assert.deepEqual(registry.keys(), ["b", "a"]);
      assert.deepEqual(registry.entries(), entries);
      assert.deepEqual([registry.get("a"), registry.has("a"), registry.size], [2, true, 2]);
    });

    it("knows nothing else", () => {
      const registry = make();
      assert.deepEqual([registry.get("c"), registry.has("c")], [undefined, false]);
    });
  });
}

describe("MutableRegistry", () => {
  it("refuses a key twice and stays as it is", () => {
    const registry = filled();
    assert.throws(() => registry.register("a", 3), isNameTaken);
    assert.equal(registry.get("a"), 2);
  });

  it("overwrites where it is told to, in place", () => {
    const registry = filled();
    registry.register("b", 3, { overwrite: true });
    assert.deepEqual(registry.entries(), [
      ["b", 3],
      ["a", 2],
    ]);
  });

  it("forgets, and says whether there was something", () => {
    const registry = filled();
    assert.deepEqual([registry.unregister("b"), registry.unregister("b"), registry.keys()], [true, false, ["a"]]);
  });

  it("leaves a snapshot as it was", () => {
    const registry = filled();
    const snapshot = registry.snapshot();
    registry.unregister("a");
    assert.equal(snapshot.get("a"), 2);
  });
});

describe("ImmutableRegistry", () => {
  it("refuses a key that occurs twice", () => {
    assert.throws(() => ImmutableRegistry.from([...entries, ["a", 1]]), isNameTaken);
  });
});

function filled(): MutableRegistry<string, number> {
  const registry = new MutableRegistry<string, number>();
  for (const [key, value] of entries) registry.register(key, value);
  return registry;
}

function isNameTaken(error: unknown): boolean {
  return error instanceof DataFusionEngineError && error.code === "name_taken" && error.kind === "config";
}
