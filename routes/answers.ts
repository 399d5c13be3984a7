/** How a route declares its answers: one schema a status, and every problem by its code. */
import type { Static, TSchema, TUnsafe } from "@sinclair/typebox";
import { type ErrorCode, errorTable, Problem, reference } from "../schemas/generated/index.js";
import { json, problemJson } from "./media-types.js";

export interface HeaderDescription {
  readonly type: "string" | "integer" | "boolean";
  readonly description: string;
}

type Headers = Readonly<Record<string, HeaderDescription>>;

const requestIdHeader: Headers = {
  "X-Request-Id": { type: "string", description: "The request, as the client named it or as the server did." },
};

/** Problems that any route can answer with. */
const everywhere: readonly ErrorCode[] = [
  "unauthenticated",
  "scope_missing",
  "invalid_request",
  "request_timeout",
  "header_too_large",
  "internal",
  "service_unavailable",
];

/** Problems of any route that reads a body. */
export const bodyProblems: readonly ErrorCode[] = [
  "invalid_json",
  "invalid_body",
  "body_too_large",
  "unsupported_media_type",
];

export function answer<T extends TSchema>(schema: T, description: string, headers: Headers = {}): TUnsafe<Static<T>> {
  const content = { [json]: { schema: reference(schema) } };
  return { description, headers: { ...requestIdHeader, ...headers }, content } as unknown as TUnsafe<Static<T>>;
}

/** An answer without a body. */
export function emptyAnswer(description: string, headers: Headers = {}): TUnsafe<null> {
  return { description, headers: { ...requestIdHeader, ...headers }, type: "null" } as unknown as TUnsafe<null>;
}

/** An answer in several media types, whose body the engine writes. */
export function streamAnswer(
  content: Readonly<Record<string, object>>,
  description: string,
  headers: Headers,
): TSchema {
  return { description, headers: { ...requestIdHeader, ...headers }, content } as unknown as TSchema;
}

/** The problem answers of a route, by status. */
export function problems(...codes: readonly ErrorCode[]): Record<never, never> {
  return problemAnswers([...codes, ...everywhere]);
}

/** Those of a route that asks nobody who they are. */
export function openProblems(): Record<never, never> {
  return problemAnswers(everywhere.filter((code) => code !== "unauthenticated" && code !== "scope_missing"));
}

function problemAnswers(codes: readonly ErrorCode[]): Record<never, never> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = errorTable[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, list]) => [status, problemAnswer(list)]));
}

function problemAnswer(codes: ErrorCode[]): object {
  const description = codes.map((code) => `\`${code}\`: ${errorTable[code].description}`).join("\n\n");
  const [first] = codes;
  const example = first && exampleProblem(first);
  return {
    description,
    headers: requestIdHeader,
    content: { [problemJson]: { schema: reference(Problem), example } },
  };
}

function exampleProblem(code: ErrorCode): Problem {
  const { status, kind, retryable, title, description } = errorTable[code];
  return {
    type: `https://lakegate.dev/problems/${code}`,
    title,
    status,
    detail: description,
    instance: "/v1/queries",
    kind,
    code,
    retryable,
    request_id: "7f4c1e9a-52d3-4c77-9a39-0d5f6f6f2a11",
  };
}
