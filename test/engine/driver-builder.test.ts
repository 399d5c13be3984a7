/** DriverBuilder as a library: its steps go in one order, adapters see the work, and what it can't run it refuses. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Span, type Tracer, type TracerProvider, trace } from "@opentelemetry/api";
import {
  configFingerprint,
  type DriverAdapter,
  DriverConfig,
  type DriverNode,
  type Engine,
  InvalidEntry,
  type Output,
  openEngine,
  type RunObserver,
} from "../../engine/index.js";
import { temporaryFolder } from "../fixture/server.js";

/** Notes what a driver tells. */
class Notes implements RunObserver {
  readonly told: string[] = [];
  readonly outputs = new Map<string, Output>();

  began({ name }: DriverNode): void {
    this.told.push(`${name} began`);
  }
  hasRows({ name }: DriverNode, cache: string, { rows }: { rows?: number }): void {
    this.told.push(`${name} ${cache} ${rows ?? "-"}`);
  }
  async hasOutput({ name }: DriverNode, output: Output, isNew: boolean): Promise<void> {
    this.outputs.set(name, output);
    this.told.push(`${name} ${isNew ? "written" : "unchanged"}`);
  }
  ended({ name }: DriverNode): void {
    this.told.push(`${name} ended`);
  }
  skipped({ name }: DriverNode): void {
    this.told.push(`${name} skipped`);
  }
  failed({ name }: DriverNode, error: unknown): void {
    this.told.push(`${name} failed: ${(error as { code?: string }).code}`);
  }
  lastOutput({ name }: DriverNode): Output | undefined {
    return this.outputs.get(name);
  }
}

describe("DriverBuilder", () => {
  const folder = temporaryFolder();
  let engine: Engine;

  before(async () => {
    mkdirSync(join(folder, "warehouse"));
    const limits = { sql_bytes: 2 ** 20, sql_tokens: 50_000, sql_depth: 64, sql_chain: 512, parameters: 1000 };
    const config = {
      warehouse: join(folder, "warehouse"),
      spill_folder: join(folder, "spill"),
      memory_limit_bytes: 2 ** 30,
      query_memory_bytes: 2 ** 28,
      resident_limit_bytes: 2 ** 33,
      spill_limit_bytes: 2 ** 30,
      snapshot_cache_bytes: 2 ** 26,
      view_memory_bytes: 2 ** 26,
      limits: { ...limits, planning_timeout_ms: 60_000, timeout_ms: 60_000, result_rows: 1e9, result_bytes: 2 ** 40 },
    };
    const results = { diskBytes: 2 ** 28, memoryBytes: 2 ** 24, ttlMs: 60_000 };
    const admission = { running: 8, runningOfCaller: 8, waiting: 100, waitingOfCaller: 100, waitMs: 60_000 };
    const log = { info: () => undefined, warn: () => undefined };
    engine = await openEngine(
      {
        config,
        state: join(folder, "state"),
        reserveBytes: 0,
        entries: 100,
        sessions: 1,
        history: 10,
        runs: 10,
        results,
        admission,
      },
      log,
    );
  });
  after(() => {
    engine.close();
    rmSync(folder, { recursive: true });
  });

  const run = (notes: Notes) => ({ pipeline: "own", observer: notes, signal: new AbortController().signal });
  const nodes = [
    { name: "base", sql: "SELECT 1 AS one UNION ALL SELECT 2" },
    { name: "kept", sql: "SELECT sum(one) AS total FROM base", materialize: { table: "kept" } },
  ];

  it("runs nodes, with adapters around each step, the first outermost", async () => {
    const seen: string[] = [];
    const adapter = (name: string): DriverAdapter => ({
      name,
      aroundRun: async (_, next) => {
        seen.push(`${name} run`);
        return next();
      },
      aroundStep: async ({ node, action }, next) => {
        seen.push(`${name} ${action} ${node.name}`);
        return next();
      },
    });
    const notes = new Notes();
    const driver = await engine.pipelines
      .builder({ runId: "first" })
      .withAdapters(adapter("outer"), adapter("inner"))
      .withExecution({ mode: "deterministic_serial" })
      .withModules({ name: "core", nodes })
      .build();
    assert.equal(await driver.run({ id: "first", ...run(notes) }), true);
    assert.deepEqual(notes.told, [
      "base began",
      "base miss 2",
      "base ended",
      "kept began",
      "kept miss 1",
      "kept written",
      "kept ended",
    ]);
    assert.deepEqual(seen, [
      "outer run",
      "inner run",
      "outer compute base",
      "inner compute base",
      "outer compute kept",
      "inner compute kept",
      "outer write kept",
      "inner write kept",
    ]);
    assert.deepEqual(
      [...notes.outputs.values()].map(({ table, version }) => [table, version]),
      [["kept", 0]],
    );
  });

  it("makes the same driver in whichever order it is told", async () => {
    const [one, two] = [engine.pipelines.builder({}), engine.pipelines.builder({})];
    const first = await one
      .withModules({ name: "core", nodes })
      .withConfig({ max_parallel: 3 })
      .withCache("recompute")
      .build();
    const second = await two
      .withCache("recompute")
      .withConfig({ max_parallel: 3 })
      .withModules({ name: "core", nodes })
      .build();
    assert.equal(first.fingerprint, second.fingerprint);
    const other = await engine.pipelines
      .builder({})
      .withModules({ name: "core", nodes })
      .withCache("recompute")
      .build();
    assert.notEqual(first.fingerprint, other.fingerprint);
  });

  it("has a fingerprint for what a configuration comes to", () => {
    const written = new DriverConfig({ mode: "plan_parallel", max_parallel: 2 }, {}, undefined);
    const absent = new DriverConfig({}, {}, undefined);
    const serial = new DriverConfig({}, { mode: "deterministic_serial" }, undefined);
    assert.equal(configFingerprint(written), configFingerprint(absent));
    assert.notEqual(configFingerprint(serial), configFingerprint(absent));
  });

  it("tells of runs and steps as OpenTelemetry spans", async () => {
    const spans: [string, Record<string, unknown>][] = [];
    const tracer = {
      startActiveSpan: (name: string, { attributes = {} }: { attributes?: object }, work: (span: Span) => unknown) => {
        const facts = { ...attributes } as Record<string, unknown>;
        spans.push([name, facts]);
        const setAttribute = (key: string, value: unknown) => Object.assign(facts, { [key]: value });
        const nothing = () => undefined;
        return work({ setAttribute, setStatus: nothing, recordException: nothing, end: nothing } as unknown as Span);
      },
    };
    trace.setGlobalTracerProvider({ getTracer: () => tracer as unknown as Tracer } satisfies TracerProvider);
    try {
      const driver = await engine.pipelines.builder({ runId: "traced" }).withModules({ name: "core", nodes }).build();
      const notes = new Notes();
      assert.equal(await driver.run({ id: "traced", ...run(notes) }), true, notes.told.join("\n"));
    } finally {
      trace.disable();
    }
    assert.deepEqual(spans, [
      ["pipeline own", { "lakegate.run": "traced", "lakegate.pipeline": "own" }],
      ["compute kept", { "lakegate.run": "traced", "lakegate.pipeline_node": "kept", "lakegate.rows": 1 }],
      ["write kept", { "lakegate.run": "traced", "lakegate.pipeline_node": "kept", "lakegate.rows": 1 }],
    ]);
  });

  it("goes on past what failed, and skips what depends on it", async () => {
    const notes = new Notes();
    const failing = [
      { name: "broken", sql: "SELECT 1 / (one - 1) AS x FROM base" },
      { name: "after_it", sql: "SELECT * FROM broken" },
    ];
    const driver = await engine.pipelines
      .builder({ runId: "failing" })
      .withExecution({ mode: "deterministic_serial" })
      .withModules({ name: "core", nodes: [...nodes, ...failing] })
      .build();
    assert.equal(await driver.run({ id: "failing", ...run(notes) }), false);
    const last = notes.told.filter((text) => /failed|skipped$|kept ended/.test(text));
    assert.deepEqual(last, ["broken failed: arithmetic_error", "after_it skipped", "kept ended"]);
  });

  it("refuses what can't be planned, with every fault", async () => {
    const wrong = [
      { name: "a", sql: "SELECT * FROM b" },
      { name: "b", sql: "SELECT * FROM a" },
      { name: "c", sql: "SELECT nothing FROM base" },
      { name: "base", sql: "SELECT 1 AS one" },
    ];
    const build = engine.pipelines.builder({}).withModules({ name: "core", nodes: wrong }).build();
    await assert.rejects(build, (error) => error instanceof InvalidEntry && error.failures.length === 2);
  });
});
