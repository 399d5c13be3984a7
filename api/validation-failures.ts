/** Says what is wrong with a request, and what is allowed, from what Ajv found. */
import type { ErrorObject } from "ajv";
import { closest, distance } from "fastest-levenshtein";
import type { ValidationFailure } from "../schemas/generated/index.js";

const mostFailures = 20;
/** Of more, which many equal mistakes make, none would be told; comparing them all with each other takes minutes. */
const mostErrors = 500;
const formats: Readonly<Record<string, string>> = {
  "date-time": "must be a time such as 2026-01-15T09:30:00Z",
  int32: "must fit in a signed 32-bit integer",
  int64: "must be a signed 64-bit integer, with all its digits",
};
/** Beyond this share of different letters a name is no likely misspelling. */
const farthest = 0.5;

export function validationFailures(errors: readonly ErrorObject[]): ValidationFailure[] {
  const looked = errors.slice(0, mostErrors);
  return withoutVariantNoise(looked.filter(isFirstWord)).slice(0, mostFailures).map(failure);
}

/** A value of another type need not hear of its format too. */
function isFirstWord(error: ErrorObject, _index: number, errors: readonly ErrorObject[]): boolean {
  if (error.keyword !== "format") return true;
  return !errors.some(({ keyword, instancePath }) => keyword === "type" && instancePath === error.instancePath);
}

function failure(error: ErrorObject): ValidationFailure {
  return { pointer: pointer(error), message: message(error), keyword: error.keyword };
}

function pointer({ instancePath, keyword, params }: ErrorObject): string {
  const property = keyword === "additionalProperties" ? params.additionalProperty : params.missingProperty;
  return property === undefined ? instancePath : `${instancePath}/${escapePointer(String(property))}`;
}

function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function message(error: ErrorObject): string {
  const { keyword, params, parentSchema } = error;
  switch (keyword) {
    case "additionalProperties":
      return unknownField(String(params.additionalProperty), Object.keys(parentSchema?.properties ?? {}));
    case "required":
      return "is required";
    case "dependentRequired":
      return `is required with ${params.property}`;
    case "enum":
      return `must be one of ${params.allowedValues.join(", ")}`;
    case "const":
      return `must be ${JSON.stringify(params.allowedValue)}`;
    case "oneOf":
    case "anyOf":
      return choiceMessage(error);
    case "not":
      return togetherMessage(error.schema as Variant);
    case "minProperties":
      return params.limit === 1 ? "must not be empty" : `must have at least ${params.limit} entries`;
    case "minItems":
      return params.limit === 1 ? "must not be empty" : `must have at least ${params.limit} items`;
    case "type":
      return `must be ${[params.type].flat().join(" or ")}`;
    case "minLength":
      return params.limit === 1 ? "must not be empty" : `must have at least ${params.limit} characters`;
    case "format":
      return formats[params.format] ?? String(error.message);
    default:
      return error.message ?? "is not valid";
  }
}

function unknownField(name: string, known: readonly string[]): string {
  const candidate = known.length > 0 ? closest(name, known) : undefined;
  const near = candidate !== undefined && isNear(name, candidate);
  if (near) return `is not a field; did you mean ${candidate}?`;
  return known.length > 0 ? `is not a field; there are ${known.join(", ")}` : "is not a field";
}

function isNear(name: string, candidate: string): boolean {
  return candidate.includes(name) || name.includes(candidate) || distanceShare(name, candidate) <= farthest;
}

function distanceShare(left: string, right: string): number {
  return distance(left, right) / Math.max(left.length, right.length);
}

interface Variant {
  readonly type?: string;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Variant[];
}

function choiceMessage(choice: ErrorObject): string {
  const variants = choice.schema as Variant[];
  if (!isEitherOr(choice)) return `must be ${variants.map(({ type }) => type ?? "a value").join(" or ")}`;
  const names = [...new Set(variants.flatMap(({ required }) => required))].join(", ");
  return `must have ${choice.keyword === "oneOf" ? "exactly" : "at least"} one of ${names}`;
}

function togetherMessage({ required, anyOf = [{ required }] }: Variant): string {
  return `must not have ${anyOf.map((variant) => variant.required?.join(" and ")).join(", or ")} together`;
}

/** Whether the variants say which fields go together, and not of which type the value is. */
function isEitherOr({ schema }: ErrorObject): boolean {
  return (schema as Variant[]).every(({ required }) => required !== undefined);
}

/** A value that fits no variant fails all of them; only what is wrong with the likeliest one helps. */
function withoutVariantNoise(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const choices = errors.filter(({ keyword }) => keyword === "oneOf" || keyword === "anyOf");
  return choices.reduce((kept, choice) => withoutNoiseOf(choice, kept), errors);
}

function withoutNoiseOf(choice: ErrorObject, errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const inside = errors.filter((error) => error !== choice && isInside(error, choice));
  if (isEitherOr(choice)) return errors.filter((error) => !inside.includes(error) || !isPartOf(error, choice));
  const telling = inside.filter((error) => !isMismatch(error, choice));
  const noise = telling.length > 0 ? [choice, ...inside.filter((error) => !telling.includes(error))] : inside;
  return errors.filter((error) => !noise.includes(error));
}

function isInside({ instancePath }: ErrorObject, choice: ErrorObject): boolean {
  return instancePath === choice.instancePath || instancePath.startsWith(`${choice.instancePath}/`);
}

/** Whether the error is one variant's of the choice. */
function isPartOf({ schemaPath }: ErrorObject, choice: ErrorObject): boolean {
  return schemaPath.startsWith(`${choice.schemaPath}/`);
}

/** Whether the error says only that the variant is another one. */
function isMismatch({ instancePath, keyword }: ErrorObject, choice: ErrorObject): boolean {
  return instancePath === choice.instancePath && keyword === "type";
}
