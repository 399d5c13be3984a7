/** Finds what a client of the old OpenAPI document could stumble over in the new one. */
type Node = { readonly [key: string]: unknown };

/** Whether clients send the values or get them: what narrows one widens the other. */
type Direction = "request" | "answer";

const methods = ["get", "put", "post", "delete", "patch", "head", "options"];
const lowerBounds = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
const upperBounds = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
const patterns = ["pattern", "format", "const", "uniqueItems"];

export function breakingChanges(before: unknown, after: unknown): string[] {
  return new Comparison(before as Node, after as Node).changes();
}

class Comparison {
  readonly #before: Node;
  readonly #after: Node;
  readonly #found = new Set<string>();
  readonly #seen = new Set<string>();

  constructor(before: Node, after: Node) {
    this.#before = before;
    this.#after = after;
  }

  changes(): string[] {
    for (const [path, item] of entries(this.#before.paths)) {
      for (const method of methods.filter((name) => name in (item as Node))) {
        const name = `${method.toUpperCase()} ${path}`;
        const operation = at(this.#after.paths, path, method);
        if (operation === undefined) this.#found.add(`${name} is gone`);
        else this.#operation(name, at(item, method) as Node, operation as Node);
      }
    }
    return [...this.#found];
  }

  #operation(name: string, before: Node, after: Node): void {
    if (before.operationId !== after.operationId) this.#found.add(`${name}: the operationId is another`);
    this.#parameters(name, before, after);
    if (after.requestBody !== undefined)
      this.#contents(`${name} request`, before.requestBody, after.requestBody, "request");
    for (const [status, answer] of entries(before.responses)) {
      const now = at(after.responses, status);
      if (now === undefined) this.#found.add(`${name}: the answer ${status} is gone`);
      else this.#contents(`${name} ${status}`, answer, now, "answer");
    }
    for (const status of Object.keys((after.responses ?? {}) as Node).filter(isSuccess))
      if (at(before.responses, status) === undefined) this.#found.add(`${name}: the answer ${status} is new`);
  }

  #parameters(name: string, before: Node, after: Node): void {
    const old = (before.parameters ?? []) as Node[];
    const now = (after.parameters ?? []) as Node[];
    const same = (left: Node) => (right: Node) => left.in === right.in && left.name === right.name;
    for (const parameter of old) {
      const place = `${name} ${parameter.in} ${parameter.name}`;
      const match = now.find(same(parameter));
      if (match === undefined) this.#found.add(`${place} is gone`);
      else this.#schema(place, parameter.schema, match.schema, "request");
      if (match?.required === true && parameter.required !== true) this.#found.add(`${place} is required now`);
    }
    for (const parameter of now.filter((each) => each.required === true && !old.some(same(each))))
      this.#found.add(`${name} ${parameter.in} ${parameter.name} is new and required`);
  }

  #contents(place: string, before: unknown, after: unknown, direction: Direction): void {
    for (const [type, media] of entries(at(before, "content"))) {
      const now = at(after, "content", type);
      if (now === undefined) this.#found.add(`${place}: ${type} is gone`);
      else this.#schema(place, at(media, "schema"), at(now, "schema"), direction);
    }
    for (const header of Object.keys((at(before, "headers") ?? {}) as Node))
      if (at(after, "headers", header) === undefined) this.#found.add(`${place}: the header ${header} is gone`);
  }

  #schema(place: string, before: unknown, after: unknown, direction: Direction): void {
    const [oldName, old] = this.#resolved(this.#before, before);
    const [newName, now] = this.#resolved(this.#after, after);
    const where = oldName === undefined ? place : `${oldName} as ${direction}`;
    const key = `${direction} ${oldName} ${newName} ${oldName === undefined ? place : ""}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const add = (what: string): unknown => this.#found.add(`${where}: ${what}`);
    const [wide, narrow] = direction === "request" ? [old, now] : [now, old];
    for (const type of list(wide.type)) if (!allows(narrow, type)) add(typeChange(type, direction));
    if (wide.type === undefined && narrow.type !== undefined && narrow === now) add("it has a type now");
    for (const value of lost(old.enum, now.enum)) add(`the value ${JSON.stringify(value)} is gone`);
    for (const bound of lowerBounds) if (isTighter(wide[bound], narrow[bound], 1)) add(`${bound} is another`);
    for (const bound of upperBounds) if (isTighter(wide[bound], narrow[bound], -1)) add(`${bound} is another`);
    for (const keyword of patterns)
      if (now[keyword] !== undefined && now[keyword] !== old[keyword]) add(`${keyword} is another`);
    this.#fields(where, old, now, direction);
    this.#inner(where, old, now, direction);
  }

  #fields(where: string, old: Node, now: Node, direction: Direction): void {
    const names = Object.keys((now.properties ?? {}) as Node);
    for (const [name, schema] of entries(old.properties)) {
      if (names.includes(name)) this.#schema(`${where}/${name}`, schema, at(now.properties, name), direction);
      else this.#found.add(`${where}: the field ${name} is gone`);
    }
    const [before, after] = [list(old.required), list(now.required)];
    const changed = direction === "request" ? lost(after, before) : lost(before, after);
    const what = direction === "request" ? "is required now" : "may be absent now";
    for (const name of changed.filter((each) => direction === "request" || names.includes(String(each))))
      this.#found.add(`${where}: the field ${name} ${what}`);
  }

  #inner(where: string, old: Node, now: Node, direction: Direction): void {
    for (const keyword of ["items", "additionalProperties"]) {
      const [before, after] = [old[keyword], now[keyword]];
      if (isNode(before) && isNode(after)) this.#schema(`${where}/${keyword}`, before, after, direction);
      else if (before !== after && after === false) this.#found.add(`${where}: ${keyword} is false now`);
    }
    for (const keyword of ["oneOf", "anyOf"]) {
      const [before, after] = [list(old[keyword]), list(now[keyword])];
      if (before.length !== after.length) this.#found.add(`${where}: ${keyword} has other variants`);
      else
        for (const [index, variant] of before.entries())
          this.#schema(`${where}/${keyword}/${index}`, variant, after[index], direction);
    }
    if (now.not !== undefined && JSON.stringify(now.not) !== JSON.stringify(old.not))
      this.#found.add(`${where}: not is another`);
  }

  /** The schema behind a reference, and its name. */
  #resolved(document: Node, schema: unknown): [string | undefined, Node] {
    const reference = at(schema, "$ref");
    if (typeof reference !== "string") return [undefined, (schema ?? {}) as Node];
    const name = reference.split("/").at(-1) ?? "";
    return [name, (at(document.components, "schemas", name) ?? {}) as Node];
  }
}

function entries(value: unknown): [string, unknown][] {
  return Object.entries((value ?? {}) as Node);
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce((node, key) => (isNode(node) ? node[key] : undefined), value);
}

function isNode(value: unknown): value is Node {
  return value !== null && typeof value === "object";
}

function list(value: unknown): unknown[] {
  return value === undefined ? [] : [value].flat();
}

function lost(before: unknown, after: unknown): unknown[] {
  return after === undefined ? [] : list(before).filter((value) => !list(after).includes(value));
}

function isSuccess(status: string): boolean {
  return status.startsWith("2");
}

function allows({ type }: Node, wanted: unknown): boolean {
  const types = list(type);
  return types.length === 0 || types.includes(wanted) || (wanted === "integer" && types.includes("number"));
}

function typeChange(type: unknown, direction: Direction): string {
  return direction === "request" ? `it may not be ${type} any more` : `it may be ${type} now`;
}

function isTighter(wide: unknown, narrow: unknown, sign: 1 | -1): boolean {
  if (narrow === undefined) return false;
  return wide === undefined || sign * Number(narrow) > sign * Number(wide);
}
