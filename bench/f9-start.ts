/** F9: from nothing to the first answer, and the memory of a server at rest. */
import { setTimeout as pause } from "node:timers/promises";
import { exportWhole } from "./export.js";
import { proportionalBytes } from "./process-facts.js";
import { plainRow, type Report } from "./report.js";
import { startEcho, startLakegate } from "./service.js";
import { spread } from "./statistics.js";
import { makeTpch } from "./tpch.js";

const rounds = 5;

export async function f9(): Promise<Report> {
  const warehouse = await makeTpch();
  const starts: number[] = [];
  const memory: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { milliseconds, bytes } = await startOnce(warehouse);
    starts.push(milliseconds);
    memory.push(bytes / 2 ** 20);
  }
  const median = (values: number[], unit: string) => `${spread(values).median.toFixed(0)} ${unit}`;
  return {
    title: "F9: start and rest",
    rows: [
      plainRow("F9 start to first answer", median(starts, "ms"), spread(starts), "≤ 1000 ms"),
      plainRow("F9 memory at rest", median(memory, "MiB"), spread(memory), "≤ 200 MiB"),
    ],
    notes: [`a bare Fastify at rest: ${await bareMemory()} MiB`],
  };
}

async function startOnce(warehouse: string) {
  const started = performance.now();
  const service = await startLakegate(warehouse);
  await exportWhole(service.url, "SELECT n_name FROM nation WHERE n_nationkey = 7", "application/json");
  const milliseconds = performance.now() - started;
  await pause(2000);
  const bytes = service.pids.reduce((sum, pid) => sum + proportionalBytes(pid), 0);
  await service.stop();
  return { milliseconds, bytes };
}

async function bareMemory(): Promise<string> {
  const echo = await startEcho();
  await pause(2000);
  const bytes = proportionalBytes(echo.pid);
  await echo.stop();
  return (bytes / 2 ** 20).toFixed(0);
}
