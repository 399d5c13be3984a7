/** The paths of views in the OpenAPI document: each view is a resource of its own, with its own parameters. */
import type { OpenAPIV3_1 } from "openapi-types";
import { type Caller, type Engine, visibleTo } from "../engine/index.js";
import type { ViewDescription, ViewParameter } from "../schemas/generated/index.js";

const template = "/v1/views/{name}/rows";

/** With those that the caller may know of. */
export function withViews(
  document: OpenAPIV3_1.Document,
  views: Engine["views"],
  caller: Caller,
): OpenAPIV3_1.Document {
  const operation = document.paths?.[template]?.get;
  if (operation === undefined) return document;
  const names = visibleTo(
    caller,
    views.inOrder().map(({ name }) => name),
  );
  const paths = names.map((name) => {
    const { description } = views.get(name);
    return [template.replace("{name}", name), { get: operationOf(description, operation) }];
  });
  return { ...document, paths: { ...document.paths, ...Object.fromEntries(paths) } };
}

function operationOf(view: ViewDescription, operation: OpenAPIV3_1.OperationObject): OpenAPIV3_1.OperationObject {
  const { name, description, parameters } = view;
  const general = (operation.parameters ?? []).filter((parameter) => !("in" in parameter && parameter.in === "path"));
  const own = Object.entries(parameters).map(([key, parameter]) => parameterOf(key, parameter));
  return {
    ...operation,
    operationId: `getRowsOf_${name}`,
    summary: `Get the rows of ${name}`,
    ...(description !== undefined && { description }),
    parameters: [...own, ...general],
  };
}

function parameterOf(name: string, { type, default: value, description }: ViewParameter): OpenAPIV3_1.ParameterObject {
  const text = `A value of the Arrow type ${type}.`;
  const parameter = {
    name,
    in: "query",
    required: value === undefined,
    description: description === undefined ? text : `${description} ${text}`,
    schema: { type: jsonType(type), ...(value !== undefined && { default: value }) },
  };
  return parameter as OpenAPIV3_1.ParameterObject;
}

function jsonType(type: string): OpenAPIV3_1.NonArraySchemaObjectType {
  if (/^U?Int\d+$/.test(type)) return "integer";
  if (/^(Float|Decimal)/.test(type)) return "number";
  return type === "Boolean" ? "boolean" : "string";
}
