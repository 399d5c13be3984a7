/** Validates requests by JSON Schema 2020-12: bodies as they are, URLs and headers with their texts coerced. */
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { FastifySchemaCompiler } from "fastify";
import { schemas } from "../schemas/generated/index.js";
import { isDateTime } from "./date-time.js";
import { ExactIntegers } from "./exact-integers.js";
import { InvalidRequest } from "./invalid-request.js";
import { validationFailures } from "./validation-failures.js";

type Validate = (data: unknown) => { value: unknown } | { error: Error };

const parts: Readonly<Record<string, string>> = { querystring: "query", params: "path", headers: "header" };

/** A schema is compiled when the first request needs it: all of them together would double the time to start. */
export function validatorCompiler(): FastifySchemaCompiler<AnySchemaObject> {
  const bodies = once(() => validator(false));
  const others = once(() => validator(true));
  return ({ schema, httpPart = "body" }) => {
    if (httpPart === "body")
      return checkExactly(
        "body",
        once(() => bodies().compile(schema)),
      );
    return checkCoerced(
      parts[httpPart] ?? httpPart,
      once(() => others().compile(schema)),
      longIntegers(schema),
      lists(schema),
    );
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function validator(coerceTypes: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    coerceTypes,
    allErrors: true,
    allowUnionTypes: true,
    discriminator: true,
    // Else defaults inside of what may be null are ignored.
    inlineRefs: false,
    removeAdditional: false,
    strict: true,
    strictRequired: false,
    useDefaults: true,
    validateSchema: false,
    verbose: true,
  });
  formats.default(ajv);
  ajv.addFormat("date-time", isDateTime);
  ajv.addSchema(schemas);
  return ajv;
}

function checkExactly(part: string, compiled: () => ValidateFunction): Validate {
  return (value) => {
    const integers = new ExactIntegers(value);
    if (integers.failures.length > 0) return { error: new InvalidRequest(part, integers.failures) };
    const check = compiled();
    const valid = check(value);
    integers.putBack();
    return valid ? { value } : { error: new InvalidRequest(part, validationFailures(check.errors ?? [])) };
  };
}

function checkCoerced(
  part: string,
  compiled: () => ValidateFunction,
  names: readonly string[],
  lists: readonly string[],
): Validate {
  const exactly = checkExactly(part, compiled);
  return (value) => {
    const texts = value as Record<string, unknown>;
    for (const name of names) if (name in texts) texts[name] = exactInteger(texts[name]);
    for (const name of lists) if (typeof texts[name] === "string") texts[name] = [texts[name]];
    return exactly(value);
  };
}

/** The properties that hold 64-bit integers, whose texts must not become rounded numbers. */
function longIntegers(schema: AnySchemaObject): string[] {
  return propertiesWhere(schema, ({ format }) => format === "int64");
}

/** The properties that may be repeated; one that stands alone arrives as a text. */
function lists(schema: AnySchemaObject): string[] {
  return propertiesWhere(schema, ({ type }) => type === "array");
}

interface Property {
  readonly format?: string;
  readonly type?: string;
}

function propertiesWhere(schema: AnySchemaObject, wanted: (property: Property) => boolean): string[] {
  const target = schemas.find(({ $id }) => $id === schema.$ref) ?? schema;
  const properties = Object.entries((target.properties ?? {}) as Record<string, Property>);
  return properties.filter(([, property]) => wanted(property)).map(([name]) => name);
}

function exactInteger(text: unknown): unknown {
  if (typeof text !== "string" || !/^-?\d{1,30}$/.test(text)) return text;
  return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
}
