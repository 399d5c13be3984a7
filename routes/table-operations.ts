/** `/v1/tables/{name}/…`: the operations that change a table or keep it in order, a row each. */
import type { TSchema } from "@sinclair/typebox";
import {
  AddConstraintsBody,
  AddFeaturesBody,
  CheckpointBody,
  CleanupMetadataBody,
  ConvertBody,
  DataCheckBody,
  DeleteBody,
  DeltaDataCheckReport,
  DeltaMaintenanceReport,
  DeltaMutationReport,
  DropConstraintsBody,
  type ErrorCode,
  OperationConditions,
  OperationSelection,
  OptimizeBody,
  RestoreBody,
  reference,
  type Scope,
  SetPropertiesBody,
  TablePath,
  UpdateBody,
  VacuumBody,
} from "../schemas/generated/index.js";
import { access } from "./access.js";
import { answer } from "./answers.js";
import type { App } from "./app.js";
import { body } from "./bodies.js";
import { etagHeader, expressionProblems, location, sendCreated, sendOutcome, terms, writeProblems } from "./writing.js";

type Operation = Parameters<App["engine"]["operations"]["run"]>[0];

interface Row {
  readonly operation: Operation;
  readonly method?: "DELETE";
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly body: TSchema;
  readonly report: TSchema;
  readonly problems?: readonly ErrorCode[];
  /** `write` when absent. */
  readonly scope?: Scope;
}

const tags = ["tables"];

const rows: readonly Row[] = [
  {
    operation: "delete",
    path: "delete",
    operationId: "deleteRows",
    summary: "Delete rows",
    description: "Deletes the rows for which a predicate is true; `true` deletes all of them.",
    body: DeleteBody,
    report: DeltaMutationReport,
    problems: [...expressionProblems, "table_append_only"],
  },
  {
    operation: "update",
    path: "update",
    operationId: "updateRows",
    summary: "Update rows",
    description: "Gives columns new values, in the rows for which a predicate is true or in all of them.",
    body: UpdateBody,
    report: DeltaMutationReport,
    problems: [...expressionProblems, "table_append_only", "constraint_violated"],
  },
  {
    operation: "optimize",
    path: "optimize",
    operationId: "optimizeTable",
    summary: "Optimize a table",
    description:
      "Makes few large files out of many small ones, also in the order of several columns at once (z-order).",
    body: OptimizeBody,
    report: DeltaMaintenanceReport,
    problems: ["unknown_column", "invalid_query"],
  },
  {
    operation: "vacuum",
    path: "vacuum",
    operationId: "vacuumTable",
    summary: "Vacuum a table",
    description:
      "Removes the files that no version within the retention needs. Unless `dry_run` is false it only lists them, in the metric `files`.",
    body: VacuumBody,
    report: DeltaMaintenanceReport,
    problems: ["retention_too_short"],
  },
  {
    operation: "restore",
    path: "restore",
    operationId: "restoreTable",
    summary: "Restore a table",
    description: "Makes the table again what it was at a version or a time, as a new version.",
    body: RestoreBody,
    report: DeltaMaintenanceReport,
    problems: ["version_not_found", "table_append_only"],
  },
  {
    operation: "set_properties",
    path: "properties",
    operationId: "setTableProperties",
    summary: "Set table properties",
    description: "Sets table properties; the engine lets in those that it keeps to, and checks their values.",
    body: SetPropertiesBody,
    report: DeltaMaintenanceReport,
    problems: ["property_not_allowed"],
  },
  {
    operation: "add_features",
    path: "features",
    operationId: "addTableFeatures",
    summary: "Turn on table features",
    description: "Turns on features of the Delta protocol. They cannot be turned off again.",
    body: AddFeaturesBody,
    report: DeltaMaintenanceReport,
    problems: ["property_not_allowed"],
  },
  {
    operation: "add_constraints",
    path: "constraints",
    operationId: "addConstraints",
    summary: "Add constraints",
    description: "Adds constraints that every row must fulfil; refused where a row that is there does not.",
    body: AddConstraintsBody,
    report: DeltaMaintenanceReport,
    problems: [...expressionProblems, "constraint_violated", "property_not_allowed"],
  },
  {
    operation: "drop_constraints",
    method: "DELETE",
    path: "constraints",
    operationId: "dropConstraints",
    summary: "Drop constraints",
    description: "Drops constraints by their names.",
    body: DropConstraintsBody,
    report: DeltaMaintenanceReport,
    problems: ["property_not_allowed"],
  },
  {
    operation: "checkpoint",
    path: "checkpoint",
    operationId: "checkpointTable",
    summary: "Write a checkpoint",
    description: "Writes a checkpoint at the newest version, so that readers need fewer files of the log.",
    body: CheckpointBody,
    report: DeltaMaintenanceReport,
  },
  {
    operation: "cleanup_metadata",
    path: "cleanup",
    operationId: "cleanUpLog",
    summary: "Clean up the log",
    description:
      "Removes the files of the log that are older than the table keeps them and that a checkpoint replaces.",
    body: CleanupMetadataBody,
    report: DeltaMaintenanceReport,
  },
  {
    operation: "data_check",
    path: "data-check",
    operationId: "checkData",
    summary: "Check the rows of a table",
    description: "Counts the rows that break each constraint of the table; nothing is written.",
    body: DataCheckBody,
    report: DeltaDataCheckReport,
    scope: "read",
    problems: expressionProblems,
  },
];

export function tableOperations(app: App): void {
  const { operations } = app.engine;
  for (const {
    operation,
    method = "POST",
    path,
    report,
    body: shape,
    problems = [],
    scope = "write",
    ...told
  } of rows) {
    app.route({
      method,
      url: `/v1/tables/:name/${path}`,
      config: access(scope, "table_not_found"),
      schema: {
        ...told,
        tags,
        params: reference(TablePath),
        querystring: reference(OperationSelection),
        headers: reference(OperationConditions),
        body: body(shape),
        response: { 200: answer(report, "What was done.", etagHeader), ...writeProblems(...problems) },
      },
      handler: async (request, reply) => {
        const { name } = request.params;
        return sendOutcome(reply, await operations.run(operation, name, request.body as object, terms(request)));
      },
    });
  }

  app.post(
    "/v1/tables/:name/convert",
    {
      config: access("admin"),
      schema: {
        operationId: "convertTable",
        summary: "Make a table of Parquet files",
        description:
          "Makes a Delta table of a folder of Parquet files, in place: of the warehouse folder of that name, or of the one at `uri`, which is then served under the name.",
        tags,
        params: reference(TablePath),
        querystring: reference(OperationSelection),
        headers: reference(OperationConditions),
        body: body(ConvertBody),
        response: {
          201: answer(DeltaMutationReport, "The table was made.", { ...etagHeader, ...location }),
          ...writeProblems("location_not_allowed", "name_taken", "table_exists", "unsupported_type", "invalid_rows"),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      return sendCreated(reply, name, await operations.convert(name, request.body, terms(request)));
    },
  );
}
