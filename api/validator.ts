/** Validates requests by JSON Schema 2020-12: bodies as they are, URLs and headers with their texts coerced. */
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { FastifySchemaCompiler } from "fastify";
import { schemas } from "../schemas/generated/index.js";
import { isDateTime } from "./date-time.js";
import { ExactIntegers } from "./exact-integers.js";
import { InvalidRequest } from "./invalid-request.js";
import { type Check, JsonTexts } from "./json-texts.js";
import { RowStream } from "./row-stream.js";
import { validationFailures } from "./validation-failures.js";

const parts: Readonly<Record<string, string>> = { querystring: "query", params: "path", headers: "header" };

/** A schema is compiled when the first request needs it: all of them together would double the time to start. */
export function validatorCompiler(): FastifySchemaCompiler<AnySchemaObject> {
  const bodies = { thorough: once(() => validator(false, true)), brief: once(() => validator(false, false)) };
  const others = once(() => validator(true, true));
  return ({ schema, httpPart = "body" }) => {
    const exactly = (part: string, inner: AnySchemaObject) =>
      checkExactly(part, {
        thorough: once(() => bodies.thorough().compile(inner)),
        brief: once(() => bodies.brief().compile(inner)),
      });
    const exact = (part: string, inner: AnySchemaObject) =>
      checkVariants(
        exactly(part, inner),
        variantsOf(inner).map((variant) => exactly(part, variant)),
      );
    if (httpPart === "body") return unlessStreamed(exact("body", schema));
    const part = parts[httpPart] ?? httpPart;
    const properties = propertiesOf(schema);
    const jsonTexts = new JsonTexts(part, properties, (inner) => exact(part, inner));
    return checkTexts(checkExactly(part, { thorough: once(() => others().compile(schema)) }), {
      longIntegers: longIntegers(properties),
      lists: lists(properties),
      jsonTexts,
    });
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function validator(coerceTypes: boolean, allErrors: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    coerceTypes,
    allErrors,
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
  ajv.addFormat("int64", { type: "number", validate: Number.isSafeInteger });
  ajv.addSchema(schemas);
  return ajv;
}

/** Rows that stream in are the engine's to check. */
function unlessStreamed(check: Check): Check {
  return (value) => (value instanceof RowStream ? { value } : check(value));
}

/** What finds every fault of a value, and what ends at the first. */
interface Compiled {
  readonly thorough: () => ValidateFunction;
  readonly brief?: () => ValidateFunction;
}

/** For more values than these only the first fault is told: the validator copies all that it has found at each further one. */
const mostThorough = 5_000;

function checkExactly(part: string, { thorough, brief = thorough }: Compiled): Check {
  return (value) => {
    const integers = new ExactIntegers(value);
    if (integers.failures.length > 0) return { error: new InvalidRequest(part, integers.failures) };
    const check = integers.count > mostThorough ? brief() : thorough();
    const valid = check(value);
    integers.putBack();
    return valid ? { value } : { error: new InvalidRequest(part, validationFailures(check.errors ?? [])) };
  };
}

/** The validator leaves the defaults of every variant in a value: one that fits a variant gets only those of this one. */
function checkVariants(whole: Check, variants: readonly Check[]): Check {
  return (value) => {
    for (const variant of variants) {
      const verdict = variant(structuredClone(value));
      if ("value" in verdict) return verdict;
    }
    return whole(value);
  };
}

/** The named types that a value is one of. */
function variantsOf(schema: AnySchemaObject): AnySchemaObject[] {
  const { oneOf = [] } = schemas.find(({ $id }) => $id === schema.$ref) ?? schema;
  const variants = oneOf as AnySchemaObject[];
  return variants.filter(({ $ref }) => $ref !== undefined);
}

/** The properties whose texts are read before they are checked, or after. */
interface TextProperties {
  readonly longIntegers: readonly string[];
  readonly lists: readonly string[];
  readonly jsonTexts: JsonTexts;
}

function checkTexts(check: Check, { longIntegers, lists, jsonTexts }: TextProperties): Check {
  return (value) => {
    const texts = value as Record<string, unknown>;
    for (const name of longIntegers) if (name in texts) texts[name] = exactInteger(texts[name]);
    for (const name of lists) if (typeof texts[name] === "string") texts[name] = [texts[name]];
    const verdict = check(value);
    return "error" in verdict ? verdict : jsonTexts.read(value);
  };
}

function propertiesOf(schema: AnySchemaObject): Record<string, AnySchemaObject> {
  const target = schemas.find(({ $id }) => $id === schema.$ref) ?? schema;
  return (target.properties ?? {}) as Record<string, AnySchemaObject>;
}

/** The properties that hold 64-bit integers, whose texts must not become rounded numbers. */
function longIntegers(properties: Record<string, AnySchemaObject>): string[] {
  return namesWhere(properties, ({ format }) => format === "int64");
}

/** The properties that may be repeated; one that stands alone arrives as a text. */
function lists(properties: Record<string, AnySchemaObject>): string[] {
  return namesWhere(properties, ({ type }) => type === "array");
}

function namesWhere(properties: Record<string, AnySchemaObject>, is: (property: AnySchemaObject) => boolean): string[] {
  return Object.entries(properties)
    .filter(([, property]) => is(property))
    .map(([name]) => name);
}

function exactInteger(text: unknown): unknown {
  if (typeof text !== "string" || !/^-?\d{1,30}$/.test(text)) return text;
  return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
}
