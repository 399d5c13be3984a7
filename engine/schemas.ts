/** The schema registry: every type of the contract, by its title. */
import { type PageSelection, type SchemaDocument, type SchemaList, schemas } from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { hashMsgpackCanonical } from "./hashing.js";
import { page } from "./page.js";
import { ImmutableRegistry } from "./registry.js";

const draft = "https://json-schema.org/draft/2020-12/schema";

export class Schemas {
  readonly #documents = ImmutableRegistry.from(
    schemas.map((schema): [string, SchemaDocument] => [String(schema.title), { $schema: draft, ...schema }]),
  );

  readonly #entries = schemas.map(({ $id, title, description }) => ({
    id: String($id),
    title: String(title),
    description: String(description),
  }));

  list(selection: PageSelection): { list: SchemaList; revision: string } {
    const list = page(this.#entries, selection, ({ title }) => title);
    return { list, revision: hashMsgpackCanonical(list) };
  }

  get(title: string): { document: SchemaDocument; revision: string } {
    const document = this.#documents.get(title);
    if (document === undefined)
      throw new DataFusionEngineError(`There is no schema ${title}; /v1/schemas lists them.`, {
        code: "schema_not_found",
      });
    return { document, revision: hashMsgpackCanonical(document) };
  }
}
