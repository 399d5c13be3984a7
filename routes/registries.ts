/** `/v1/registries`: what is registered, as one document that can be kept and restored. */
import {
  CatalogDocument,
  RegistryList,
  RegistryPath,
  RegistrySnapshot,
  RestoreReport,
  RestoreSelection,
  reference,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer, bodyProblems, emptyAnswer, problems } from "./answers.js";
import type { App } from "./app.js";
import { body } from "./bodies.js";
import { etagOf, sendWithEtag } from "./conditions.js";

const tags = ["registries"];
const etagHeader = etagOf("The fingerprint: changes with every entry.");

export function registries(app: App): void {
  const { catalog } = app.engine;

  app.get(
    "/v1/registries",
    {
      config: access("admin"),
      schema: {
        operationId: "listRegistries",
        summary: "List registries",
        description: "The registries with their sizes, and a fingerprint of what each holds.",
        tags,
        response: {
          200: answer(RegistryList, "The registries.", etagHeader),
          304: emptyAnswer("Nothing has changed since the fingerprint that `If-None-Match` names.", etagHeader),
          ...problems(),
        },
      },
    },
    async (_request, reply) => {
      const list = catalog.list();
      return sendWithEtag(reply, list.fingerprint, list);
    },
  );

  app.get(
    "/v1/registries/snapshot",
    {
      config: access("admin"),
      schema: {
        operationId: "exportCatalog",
        summary: "Export the catalog",
        description: "What all registries hold, as one document. Storage options of tables are not in it.",
        tags,
        response: {
          200: answer(RegistrySnapshot, "The catalog.", etagHeader),
          304: emptyAnswer("Nothing has changed since the fingerprint that `If-None-Match` names.", etagHeader),
          ...problems(),
        },
      },
    },
    async (_request, reply) => {
      const snapshot = catalog.snapshot();
      return sendWithEtag(reply, snapshot.fingerprint, snapshot);
    },
  );

  app.get(
    "/v1/registries/:kind/snapshot",
    {
      config: access("admin"),
      schema: {
        operationId: "exportRegistry",
        summary: "Export a registry",
        description: "What one registry holds, as a document that can be restored.",
        tags,
        params: reference(RegistryPath),
        response: {
          200: answer(RegistrySnapshot, "What the registry holds.", etagHeader),
          304: emptyAnswer("Nothing has changed since the fingerprint that `If-None-Match` names.", etagHeader),
          ...problems("registry_not_found"),
        },
      },
    },
    async (request, reply) => {
      const snapshot = catalog.snapshot(request.params.kind);
      return sendWithEtag(reply, snapshot.fingerprint, snapshot);
    },
  );

  app.put(
    "/v1/registries/snapshot",
    {
      config: access("admin"),
      schema: {
        operationId: "importCatalog",
        summary: "Restore a catalog",
        description:
          "Registers all that a document holds, of any kinds and in any order. Each entry is checked as if it came alone; where one is refused, everything stays as it was, and the details name it.",
        tags,
        querystring: reference(RestoreSelection),
        body: body(CatalogDocument),
        response: { 200: answer(RestoreReport, "The catalog is restored."), ...problems(...restoreProblems) },
      },
    },
    (request) => catalog.restore(request.body, request.query.mode ?? "merge"),
  );
}

/** All that an entry of any kind can be refused for. */
const restoreProblems = [
  "not_implemented",
  ...bodyProblems,
  "name_taken",
  "too_many_requests",
  "entry_in_use",
  "invalid_entry",
  "cyclic_dependency",
  "contract_violated",
  "contract_not_found",
  "profile_not_found",
  "table_not_found",
  "statement_not_allowed",
  "statement_too_complex",
  "invalid_sql",
  "invalid_query",
  "unknown_table",
  "unknown_column",
  "parameter_invalid",
  "parameter_missing",
  "location_not_allowed",
  "table_unsupported",
  "table_corrupt",
  "table_unreadable",
  "unsupported_type",
  "gate_failed",
  "query_timeout",
  "storage_unavailable",
] as const;
