/** `/v1/contracts`: what the columns and rows of tables must be, and whether they are. */
import {
  type ContractCheck,
  ContractDefinition,
  ContractEntry,
  ContractList,
  ContractQuestion,
  ContractReport,
  EntryConditions,
  EntryPath,
  GoodRowSelection,
  PageSelection,
  RowCheckSelection,
  reference,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, bodyProblems, emptyAnswer, problems } from "./answers.js";
import type { App } from "./app.js";
import { body, rowsBody } from "./bodies.js";
import { etagOf, sendPut, sendWithEtag, writeCondition } from "./conditions.js";
import { rowMediaTypes } from "./media-types.js";
import { linkNext, nextLink } from "./next-link.js";
import { planningProblems, runningProblems } from "./queries.js";
import { writtenAnswer } from "./result-answer.js";

const tags = ["contracts"];
const etagHeader = etagOf("Changes with the contract.");
const location = { Location: { type: "string", description: "The path of the contract." } } as const;

const tableProblems = [
  "table_not_found",
  "table_unsupported",
  "table_corrupt",
  "table_unreadable",
  "storage_unavailable",
] as const;

/** JSON is a question or rows, and read whole. */
const { json: _, ...streamed } = rowMediaTypes;

const rowProblems = [
  ...bodyProblems,
  ...tableProblems,
  "contract_not_found",
  ...planningProblems,
  ...runningProblems,
  "invalid_rows",
  "unsupported_type",
] as const;

export function contracts(app: App): void {
  const { contracts } = app.engine;

  app.get(
    "/v1/contracts",
    {
      config: access("read"),
      schema: {
        operationId: "listContracts",
        summary: "List contracts",
        description: "The schema contracts, by name.",
        tags,
        querystring: reference(PageSelection),
        response: { 200: answer(ContractList, "A page of contracts.", linkNext), ...problems() },
      },
    },
    (request, reply) => nextLink(request, reply, contracts.list(request.query, request.caller)),
  );

  app.get(
    "/v1/contracts/:name",
    {
      config: access("read"),
      schema: {
        operationId: "getContract",
        summary: "Show a contract",
        description: "A schema contract.",
        tags,
        params: reference(EntryPath),
        response: {
          200: answer(ContractEntry, "The contract.", etagHeader),
          304: emptyAnswer("The contract is what `If-None-Match` names.", etagHeader),
          ...problems("contract_not_found"),
        },
      },
    },
    async (request, reply) => {
      const { entry, revision } = contracts.describe(request.params.name, request.caller);
      return sendWithEtag(reply, revision, entry);
    },
  );

  app.put(
    "/v1/contracts/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "putContract",
        summary: "Register a contract",
        description:
          "Registers what the columns and rows of a table must be, in place of the contract that has the name: as it is written, or inferred from a table as it is. What is written to the table from then on is held to it.",
        tags,
        params: reference(EntryPath),
        headers: reference(EntryConditions),
        body: body(ContractDefinition),
        response: {
          200: answer(ContractEntry, "The contract took the place of another.", etagHeader),
          201: answer(ContractEntry, "The contract is registered.", { ...etagHeader, ...location }),
          ...problems(...bodyProblems, ...tableProblems, "too_many_requests", "precondition_failed", "invalid_entry"),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const { created, entry, revision } = await contracts.put(name, request.body, writeCondition(request.headers));
      return sendPut(reply, `/v1/contracts/${name}`, { created, revision }, entry);
    },
  );

  app.delete(
    "/v1/contracts/:name",
    {
      config: access("admin"),
      schema: {
        operationId: "removeContract",
        summary: "Remove a contract",
        description: "Forgets a contract that no semantic model refers to; tables and their rows stay as they are.",
        tags,
        params: reference(EntryPath),
        headers: reference(EntryConditions),
        response: {
          204: emptyAnswer("The contract is gone."),
          ...problems("contract_not_found", "precondition_failed", "entry_in_use"),
        },
      },
    },
    async (request, reply) => {
      await contracts.remove(request.params.name, writeCondition(request.headers));
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/v1/contracts/:name/validate",
    {
      config: { ...access("read"), streamed: Object.values(streamed) },
      schema: {
        operationId: "validateContract",
        summary: "Hold a table or rows to a contract",
        description:
          "Lists in what a table, a view or columns differ from a contract. With `rows` it looks at the rows too: it counts those that break a rule and shows some of them, brings values to the types of the contract first where asked, and gives the statement that reads the good rows. Rows may also be the body itself, in every format of rows; `/v1/contracts/{name}/rows` answers those of them that are good.",
        tags,
        params: reference(EntryPath),
        querystring: reference(RowCheckSelection),
        body: rowsBody(ContractQuestion),
        response: { 200: answer(ContractReport, "Whether it is kept."), ...problems(...rowProblems) },
      },
    },
    (request) => {
      const { name } = request.params;
      const rows = request.incomingRows();
      if (rows !== undefined) return contracts.validateRows(name, rows, request.query, request.caller);
      return contracts.validate(name, request.body as ContractCheck, request.caller);
    },
  );

  app.post(
    "/v1/contracts/:name/rows",
    {
      config: { ...access("read"), streamed: Object.values(streamed) },
      schema: {
        operationId: "getGoodRows",
        summary: "Get the rows that keep a contract",
        description:
          "The rows of a table, of a view or of the body that keep a contract, in the order of the contract and with its columns, brought to their types where asked. Where the columns themselves break the contract, no row keeps it.",
        tags,
        params: reference(EntryPath),
        querystring: reference(GoodRowSelection),
        body: rowsBody(ContractQuestion),
        response: {
          200: writtenAnswer,
          ...problems(...rowProblems, "not_acceptable"),
        },
      },
    },
    async (request, reply) => {
      const given = request.incomingRows() ?? (request.body as ContractCheck);
      const terms = { ...request.query, format: request.resultFormat() };
      const { query, sql } = await contracts.goodRows(request.params.name, given, terms, request.caller);
      return reply.sendResult(query, request.query, sql === undefined ? {} : { sql });
    },
  );
}
