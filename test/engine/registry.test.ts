/** What every registry must do. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  DataFusionEngineError,
  DocumentRegistry,
  DocumentStore,
  type Entry,
  ImmutableRegistry,
  MutableRegistry,
  type Registry,
  Turns,
} from "../../engine/index.js";

const entries = [
  ["b", 1],
  ["a", 2],
] as const;

interface Numbered {
  readonly number: number;
}

/** A registry, and the number in one of its values. */
interface Made<V> {
  readonly registry: Registry<string, V>;
  readonly number: (value: V | undefined) => number | undefined;
}

function plain(registry: Registry<string, number>): Made<number> {
  return { registry, number: (value) => value };
}

const makers: Readonly<Record<string, () => Promise<Made<number> | Made<Entry<Numbered>>>>> = {
  ImmutableRegistry: async () => plain(ImmutableRegistry.from(entries)),
  MutableRegistry: async () => plain(filled()),
  "a snapshot": async () => plain(filled().snapshot()),
  DocumentRegistry: async () => numbered(await documents()),
  "a DocumentRegistry that was loaded": async () => {
    const folder = await scratch();
    await documents(folder);
    return numbered(await opened(folder));
  },
  "its snapshot": async () => numbered((await documents()).snapshot()),
};

for (const [name, make] of Object.entries(makers)) {
  describe(name, () => {
    it("gives what was registered, in that order", async () => {
      const { registry, number } = (await make()) as Made<unknown>;
      assert.deepEqual(registry.keys(), ["b", "a"]);
      const numbers = registry.entries().map(([key, value]) => [key, number(value)]);
      assert.deepEqual(numbers, entries);
      assert.deepEqual([number(registry.get("a")), registry.has("a"), registry.size], [2, true, 2]);
    });

    it("knows nothing else", async () => {
      const { registry } = await make();
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

describe("DocumentRegistry", () => {
  it("changes an entry in its place, also on disk", async () => {
    const folder = await scratch();
    const registry = await documents(folder);
    const before = registry.entry("b");
    const after = await registry.put("b", () => ({ number: 3 }));
    assert.deepEqual([after.created, after.registered_at], [false, before.registered_at]);
    assert.notEqual(after.revision, before.revision);
    const loaded = await opened(folder);
    assert.deepEqual(loaded.keys(), ["b", "a"]);
    assert.equal(loaded.entry("b").revision, after.revision);
    assert.equal(loaded.fingerprint(), registry.fingerprint());
  });

  it("has the fingerprint of what it holds, whenever it was registered", async () => {
    const [one, other] = [await documents(), await documents()];
    const fingerprint = one.fingerprint();
    assert.equal(other.fingerprint(), fingerprint);
    await one.put("c", () => ({ number: 3 }));
    assert.notEqual(one.fingerprint(), fingerprint);
    await one.remove("c");
    assert.equal(one.fingerprint(), fingerprint);
  });

  it("keeps to the condition, before anything is made", async () => {
    const registry = await documents();
    const { revision } = registry.entry("a");
    await registry.put(
      "a",
      () => ({ number: 4 }),
      (current) => current === revision,
    );
    const made = registry.put(
      "a",
      () => assert.fail("made"),
      (current) => current === revision,
    );
    await assert.rejects(made, isCode("precondition_failed"));
    await assert.rejects(
      registry.remove("a", (current) => current === revision),
      isCode("precondition_failed"),
    );
    assert.equal(registry.entry("a").value.number, 4);
  });

  it("stays as it was where an entry is refused", async () => {
    const folder = await scratch();
    const registry = await documents(folder);
    await assert.rejects(
      registry.put("a", () => Promise.reject(new Error("no"))),
      /no/,
    );
    await assert.rejects(registry.remove("nothing"), isCode("view_not_found"));
    assert.equal((await opened(folder)).fingerprint(), registry.fingerprint());
  });

  it("lists by name, page by page", async () => {
    const registry = await documents();
    const first = registry.list({ limit: 1 });
    assert.deepEqual(
      first.items.map(({ name }) => name),
      ["a"],
    );
    const second = registry.list({ limit: 1, cursor: first.next_cursor ?? "" });
    assert.deepEqual([second.items[0]?.name, second.next_cursor], ["b", null]);
  });

  it("forgets for good, and sweeps what was never finished", async () => {
    const folder = await scratch();
    const registry = await documents(folder);
    await registry.remove("b");
    await writeFile(join(folder, "c.json.123"), "{");
    assert.deepEqual((await opened(folder)).keys(), ["a"]);
    assert.deepEqual(await readdir(folder), ["a.json"]);
  });

  it("keeps integers of 64 bits", async () => {
    const folder = await scratch();
    const wide = { number: 9007199254740993n as unknown as number };
    await (await documents(folder)).put("wide", () => wide);
    assert.equal((await opened(folder)).entry("wide").value.number, 9007199254740993n);
  });
});

const folders: string[] = [];

after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lakegate-registry-"));
  folders.push(folder);
  return folder;
}

async function opened(folder: string): Promise<DocumentRegistry<Numbered>> {
  const log = { info: () => undefined, warn: (facts: object) => assert.fail(JSON.stringify(facts)) };
  const kind = { noun: "view", notFound: "view_not_found" } as const;
  const registry = new DocumentRegistry<Numbered>(kind, new DocumentStore(folder, log), new Turns());
  await registry.load();
  return registry;
}

async function documents(folder?: string): Promise<DocumentRegistry<Numbered>> {
  const registry = await opened(folder ?? (await scratch()));
  for (const [name, number] of entries) await registry.put(name, () => ({ number }));
  return registry;
}

function numbered(registry: Registry<string, Entry<Numbered>>): Made<Entry<Numbered>> {
  return { registry, number: (entry) => entry?.value.number };
}

function isCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof DataFusionEngineError && error.code === code;
}

function filled(): MutableRegistry<string, number> {
  const registry = new MutableRegistry<string, number>();
  for (const [key, value] of entries) registry.register(key, value);
  return registry;
}

function isNameTaken(error: unknown): boolean {
  return error instanceof DataFusionEngineError && error.code === "name_taken" && error.kind === "config";
}
