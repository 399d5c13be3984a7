/**
 * Makes the components of the OpenAPI document from the canonical schemas, gives every body and answer the examples of its
 * schema, and says which bodies may be absent or compressed. The plugin's own components lose what stands beside a `$ref` and every example
 * value named `nullable`.
 */
import { json } from "../routes/index.js";
import { schemas } from "../schemas/generated/index.js";
import { contentCodings } from "./decoded-bytes.js";
import { type BodySchema, mayBeAbsent } from "./may-be-absent.js";

interface Media {
  readonly schema?: { readonly $ref?: string };
  readonly examples?: unknown;
  readonly example?: unknown;
}

interface Parameter {
  readonly in?: string;
  readonly schema?: { readonly $ref?: string };
}

interface Body {
  readonly required?: unknown;
  readonly content?: Readonly<Record<string, Media>>;
}

interface Component extends BodySchema {
  readonly description?: string;
  readonly examples?: readonly unknown[];
}

type Components = Record<string, Component>;

const prefix = "#/components/schemas/";
const titles = new Map(schemas.map(({ $id, title }) => [$id, title]));

export function completed(paths: unknown): { paths: unknown; components: { schemas: Components } } {
  const all = Object.fromEntries(schemas.map(({ $id: _, ...schema }) => [schema.title, local(schema)])) as Components;
  const localPaths = local(paths);
  return { paths: withDetails(localPaths, all), components: { schemas: reached(localPaths, all) } };
}

/** The value with every reference pointing into the document. */
function local(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(local);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    const title = key === "$ref" ? titles.get(inner) : undefined;
    return [key, title === undefined ? local(inner) : `${prefix}${title}`];
  });
  return Object.fromEntries(entries);
}

function withDetails(value: unknown, all: Components): unknown {
  if (Array.isArray(value)) return value.map((inner) => withDetails(inner, all));
  if (value === null || typeof value !== "object") return value;
  const inner = Object.entries(value).map(([key, part]) => [key, withDetails(part, all)]);
  return {
    ...descriptionOf(value, all),
    ...Object.fromEntries(inner),
    ...bodyDetails(value, all),
    ...examplesOf(value, all),
  };
}

/** The plugin says of every body that it is required, and nothing else. */
function bodyDetails({ required: isBody, content }: Body, all: Components): object {
  const component = componentOf(content?.[json]?.schema, all);
  if (isBody !== true || component === undefined) return {};
  const find = (reference: string) => componentOf({ $ref: reference }, all);
  const required = !mayBeAbsent(component, find);
  const codings = contentCodings.map((coding) => `\`${coding}\``).join(", ");
  return { description: `May come compressed, by Content-Encoding: ${codings}.`, required };
}

function componentOf(schema: Media["schema"], all: Components): Component | undefined {
  return schema?.$ref === undefined ? undefined : all[schema.$ref.slice(prefix.length)];
}

/** The plugin loses what a parameter says beside its `$ref`; its type then speaks for it. */
function descriptionOf({ in: place, schema }: Parameter, all: Components): object {
  const component = componentOf(schema, all);
  return place === undefined || component === undefined ? {} : { description: component.description };
}

function examplesOf({ schema, examples, example }: Media, all: Components): object {
  if (typeof schema?.$ref !== "string" || examples !== undefined || example !== undefined) return {};
  const values = componentOf(schema, all)?.examples ?? [];
  return { examples: Object.fromEntries(values.map((value, index) => [`example ${index + 1}`, { value }])) };
}

function reached(start: unknown, all: Components): Components {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    for (const title of references(value)) {
      if (found.has(title)) continue;
      found.add(title);
      visit(all[title]);
    }
  };
  visit(start);
  return Object.fromEntries(Object.entries(all).filter(([title]) => found.has(title)));
}

function references(value: unknown): string[] {
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "$ref" && typeof inner === "string" ? [inner.slice(prefix.length)] : references(inner),
  );
}
