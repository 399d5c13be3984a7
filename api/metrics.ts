/** Figures of the service in the format of Prometheus: requests, queries, the result cache and the process. */
import type { FastifyInstance } from "fastify";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Engine } from "../engine/index.js";
import type { HotAnswers } from "./hot-answers.js";

declare module "fastify" {
  interface FastifyInstance {
    /** All figures, as text. */
    metrics(): Promise<string>;
  }
}

const seconds = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300];

/** To be called before the routes. */
export function addMetrics(app: FastifyInstance, engine: Engine, hot: HotAnswers): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addRequests(app, registry);
  addHotAnswers(registry, hot);
  addQueries(registry, engine);
  addCache(registry, engine);
  app.decorate("metrics", () => registry.metrics());
}

function addRequests(app: FastifyInstance, registry: Registry): void {
  const requests = new Histogram({
    name: "lakegate_http_request_duration_seconds",
    help: "Requests by route and status, and how long they took to their last byte.",
    labelNames: ["method", "route", "status"],
    buckets: seconds,
    registers: [registry],
  });
  app.addHook("onResponse", ({ method, routeOptions }, reply, done) => {
    const route = routeOptions.url ?? "unknown";
    requests.observe({ method: known(method), route, status: reply.statusCode }, reply.elapsedTime / 1000);
    done();
  });
}

/** Anybody can make methods up. */
function known(method: string): string {
  return ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].includes(method) ? method : "other";
}

function addHotAnswers(registry: Registry, hot: HotAnswers): void {
  new Counter({
    name: "lakegate_hot_answers_total",
    help: "Hits that were answered before the app saw their requests.",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(hot.count);
    },
  });
}

function addQueries(registry: Registry, engine: Engine): void {
  new Gauge({
    name: "lakegate_queries",
    help: "Queries that have not ended, by state.",
    labelNames: ["state"],
    registers: [registry],
    collect() {
      this.set({ state: "running" }, engine.queryRecords.running);
    },
  });
}

function addCache(registry: Registry, engine: Engine): void {
  new Counter({
    name: "lakegate_result_cache_uses_total",
    help: "What the result cache did for queries.",
    labelNames: ["status"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [status, count] of Object.entries(engine.cache.report().uses)) this.inc({ status }, count);
    },
  });
  new Gauge({
    name: "lakegate_result_cache_bytes",
    help: "Room that kept results take.",
    labelNames: ["place"],
    registers: [registry],
    collect() {
      const { bytes, memory_bytes } = engine.cache.report();
      this.set({ place: "disk" }, bytes);
      this.set({ place: "memory" }, memory_bytes);
    },
  });
}
