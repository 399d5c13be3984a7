/** What JSON and MessagePack need around the members that the engine writes of a result. */
import { encode, stringifyJson } from "../engine/index.js";
import type { CacheUse, ContractBreach, QuerySummary, ResultFormat } from "../schemas/generated/index.js";

/** Members of the map that a result is, before and after those of the engine. */
export interface Envelope {
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: () => Readonly<Record<string, unknown>>;
}

/** The result alone: the same bytes whenever it is the same result. */
export const bare: Envelope = { before: {}, after: () => ({}) };

/** The result of a query, with what is said about the query. */
export function queryEnvelope(
  before: { readonly query_id: string; readonly sql?: string; readonly warnings?: readonly ContractBreach[] },
  describe: () => { summary: QuerySummary; cache: CacheUse },
): Envelope {
  const after = () => {
    const { summary, cache } = describe();
    return { status: "SUCCEEDED", cache, stats: summary.stats };
  };
  return { before, after };
}

/** The members that the engine writes: schema, tables, data, row_count and truncated. */
const ownMembers = 5;
/** What `after` adds to a query's answer; MessagePack says the number first. */
const laterMembers = 3;
const fixMap = 0x80;
const nothing = Buffer.alloc(0);

export function opening(format: ResultFormat, { before }: Envelope): Buffer {
  const names = Object.keys(before);
  if (format === "json") return Buffer.from(names.length === 0 ? "{" : `${stringifyJson(before).slice(0, -1)},`);
  if (format !== "msgpack") return nothing;
  const members = ownMembers + (names.length === 0 ? 0 : names.length + laterMembers);
  return Buffer.concat([Buffer.of(fixMap | members), ...pairs(before)]);
}

export function closing(format: ResultFormat, { after }: Envelope): Buffer {
  if (format === "json") {
    const members = stringifyJson(after()).slice(1);
    return Buffer.from(members === "}" ? members : `,${members}`);
  }
  return format === "msgpack" ? Buffer.concat(pairs(after())) : nothing;
}

function pairs(members: Readonly<Record<string, unknown>>): Buffer[] {
  return Object.entries(members).flatMap(([name, value]) => [encode(name), encode(value)]);
}
