/**
 * Makes the components of the OpenAPI document from the canonical schemas, and gives every body and answer the examples
 * of its schema. The plugin's own components lose what stands beside a `$ref` and every example value named `nullable`.
 */
import { schemas } from "../schemas/generated/index.js";

interface Media {
  readonly schema?: { readonly $ref?: string };
  readonly examples?: unknown;
  readonly example?: unknown;
}

interface Parameter {
  readonly in?: string;
  readonly schema?: { readonly $ref?: string };
}

type Components = Record<string, { readonly description?: string; readonly examples?: readonly unknown[] }>;

const prefix = "#/components/schemas/";
const titles = new Map(schemas.map(({ $id, title }) => [$id, title]));

export function completed(paths: unknown): { paths: unknown; components: { schemas: Components } } {
  const all = Object.fromEntries(schemas.map(({ $id: _, ...schema }) => [schema.title, local(schema)])) as Components;
  const localPaths = local(paths);
  return { paths: withExamples(localPaths, all), components: { schemas: reached(localPaths, all) } };
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

function withExamples(value: unknown, all: Components): unknown {
  if (Array.isArray(value)) return value.map((inner) => withExamples(inner, all));
  if (value === null || typeof value !== "object") return value;
  const inner = Object.entries(value).map(([key, part]) => [key, withExamples(part, all)]);
  return { ...descriptionOf(value, all), ...Object.fromEntries(inner), ...examplesOf(value, all) };
}

/** The plugin loses what a parameter says beside its `$ref`; its type then speaks for it. */
function descriptionOf({ in: place, schema }: Parameter, all: Components): object {
  const title = schema?.$ref?.slice(prefix.length);
  return place === undefined || title === undefined ? {} : { description: all[title]?.description };
}

function examplesOf({ schema, examples, example }: Media, all: Components): object {
  if (typeof schema?.$ref !== "string" || examples !== undefined || example !== undefined) return {};
  const values = all[schema.$ref.slice(prefix.length)]?.examples ?? [];
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
