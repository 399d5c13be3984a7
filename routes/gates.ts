/** `/v1/gates`: judges protocols by gates and by supports, and publishes the engine's own support. */
import {
  DeltaProtocolCompatibility,
  EngineSupport,
  GateQuestion,
  GateVerdict,
  SupportQuestion,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, bodyProblems, problems } from "./answers.js";
import type { App } from "./app.js";
import { body } from "./bodies.js";

const tags = ["gates"];

const tableProblems = [
  "table_not_found",
  "version_not_found",
  "table_unsupported",
  "table_corrupt",
  "table_unreadable",
  "storage_unavailable",
] as const;

export function gates(app: App): void {
  const { gates } = app.engine;

  app.post(
    "/v1/gates/validate",
    {
      config: access("read"),
      schema: {
        operationId: "validateGate",
        summary: "Judge a protocol by a gate",
        description:
          "Says whether a protocol, given or that of a table, is at least what a gate asks for, and lists every rule that it breaks. A gate that asks for nothing is passed.",
        tags,
        body: body(GateQuestion),
        response: {
          200: answer(GateVerdict, "Whether it passes."),
          ...problems(...bodyProblems, "protocol_unavailable", ...tableProblems),
        },
      },
    },
    (request) => gates.validate(request.body, request.caller),
  );

  app.post(
    "/v1/gates/support",
    {
      config: access("read"),
      schema: {
        operationId: "compareSupport",
        summary: "Compare a protocol with a support",
        description:
          "Says whether a support covers a protocol, given or that of a table, and what it lacks. Without a support nothing is decided; without a protocol there is nothing to cover.",
        tags,
        body: body(SupportQuestion),
        response: {
          200: answer(DeltaProtocolCompatibility, "Whether it covers the protocol."),
          ...problems(...bodyProblems, ...tableProblems),
        },
      },
    },
    (request) => gates.support(request.body, request.caller),
  );

  app.get(
    "/v1/gates/support",
    {
      config: access("read"),
      schema: {
        operationId: "getSupport",
        summary: "Show the engine's support",
        description:
          "The protocol that this engine covers, and for each feature of Delta whether tables with it are read and written.",
        tags,
        response: { 200: answer(EngineSupport, "The support."), ...problems() },
      },
    },
    async () => gates.engine(),
  );
}
