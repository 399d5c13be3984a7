/** Texts of a URL that hold JSON: read, checked against the schema of what they hold, and put in place of the text. */
import type { AnySchemaObject } from "ajv/dist/2020.js";
import { parseJson } from "../engine/index.js";
import { InvalidRequest } from "./invalid-request.js";

export type Verdict = { value: unknown } | { error: Error };
export type Check = (value: unknown) => Verdict;

export class JsonTexts {
  readonly #part: string;
  readonly #checks: readonly (readonly [string, Check])[];

  /** The checks of the properties that hold JSON, made by `compile`. */
  constructor(part: string, properties: Record<string, AnySchemaObject>, compile: (schema: AnySchemaObject) => Check) {
    this.#part = part;
    this.#checks = Object.entries(properties)
      .filter(([, { contentSchema }]) => contentSchema !== undefined)
      .map(([name, { contentSchema }]) => [name, compile(contentSchema)]);
  }

  read(value: unknown): Verdict {
    const texts = value as Record<string, unknown>;
    for (const [name, check] of this.#checks) {
      if (texts[name] === undefined) continue;
      const verdict = this.#inside(name, this.#parsed(name, String(texts[name])), check);
      if ("error" in verdict) return verdict;
      texts[name] = verdict.value;
    }
    return { value };
  }

  #parsed(name: string, text: string): Verdict {
    try {
      return { value: parseJson(text) };
    } catch {
      return this.#fault([{ pointer: `/${name}`, message: "must be JSON", keyword: "contentMediaType" }]);
    }
  }

  #inside(name: string, parsed: Verdict, check: Check): Verdict {
    const verdict = "error" in parsed ? parsed : check(parsed.value);
    if (parsed === verdict || !("error" in verdict) || !(verdict.error instanceof InvalidRequest)) return verdict;
    const inside = verdict.error.failures.map((failure) => ({ ...failure, pointer: `/${name}${failure.pointer}` }));
    return this.#fault(inside);
  }

  #fault(failures: InvalidRequest["failures"]): Verdict {
    return { error: new InvalidRequest(this.#part, failures) };
  }
}
