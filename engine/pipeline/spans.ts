/** OpenTelemetry spans of runs and steps; they cost nothing where no SDK is set up. */
import { type Attributes, type Span, SpanStatusCode, trace } from "@opentelemetry/api";
import type { DriverAdapter } from "./adapter.js";

const tracer = trace.getTracer("lakegate");

export const spans: DriverAdapter = {
  name: "spans",
  aroundRun: ({ id, pipeline }, next) =>
    within(`pipeline ${pipeline}`, { "lakegate.run": id, "lakegate.pipeline": pipeline }, next),
  aroundStep: ({ run, node, action }, next) =>
    within(`${action} ${node.name}`, { "lakegate.run": run.id, "lakegate.pipeline_node": node.name }, async (span) => {
      const outcome = await next();
      span.setAttribute("lakegate.rows", outcome.rows);
      return outcome;
    }),
};

function within<T>(name: string, attributes: Attributes, work: (span: Span) => Promise<T>): Promise<T> {
  return tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.recordException(error as Error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
