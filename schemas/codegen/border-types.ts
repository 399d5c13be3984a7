/** The types of schemas/api that the Rust engine reads or writes too; everything in schemas/delta and schemas/engine is one of its types anyway. */
export const borderTypes: readonly string[] = [
  "EngineSupport",
  "ExplainAnswer",
  "ExplainRequest",
  "GateVerdict",
  "QueryRequest",
  "ResultFormat",
  "SessionProfile",
  "TableDescription",
  "TableEntry",
  "TablePin",
  "TableSchema",
  "TableSchemaSpec",
  "TableSelection",
];
