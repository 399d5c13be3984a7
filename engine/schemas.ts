/** The schema registry: every type of the contract, by its title. */
import { type PageSelection, type SchemaDocument, type SchemaList, schemas } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { hashMsgpackCanonical } from "./hashing.js";
import { page } from "./page.js";
import { ImmutableRegistry } from "./registry.js";

const draft = "https://json-schema.org/draft/2020-12/schema";

export class Schemas {
  readonly #documents = ImmutableRegistry.from(
    schemas.map((schema): [string, Revised<SchemaDocument>] => [
      String(schema.title),
      new Revised<SchemaDocument>({ $schema: draft, ...schema }),
    ]),
  );

  readonly #entries = new Revised(
    schemas.map(({ $id, title, description }) => ({
      id: String($id),
      title: String(title),
      description: String(description),
    })),
  );

  /** Every page changes when any of them does. */
  list(selection: PageSelection): { list: SchemaList; revision: string } {
    const { value, revision } = this.#entries;
    return { list: page(value, selection, ({ title }) => title), revision };
  }

  get(title: string): { document: SchemaDocument; revision: string } {
    const found = this.#documents.get(title);
    if (found === undefined)
      throw new DataFusionEngineError(`There is no schema ${title}; /v1/schemas lists them.`, {
        code: "schema_not_found",
      });
    return { document: found.value, revision: found.revision };
  }
}

/** A value that stays as it is, with its revision, which is computed when it is first asked for. */
class Revised<T> {
  readonly value: T;
  #revision: string | undefined;

  constructor(value: T) {
    this.value = value;
  }

  get revision(): string {
    this.#revision ??= hashMsgpackCanonical(this.value);
    return this.#revision;
  }
}
