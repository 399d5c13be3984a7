/** What a request asks of the result cache: by its body, and by `Cache-Control` (RFC 9111, section 5.2.1). */
import type { IncomingHttpHeaders } from "node:http";
import { parse } from "@tusbar/cache-control";
import type { CachePolicy } from "../schemas/generated/index.js";

export function cachePolicy({ "cache-control": header }: IncomingHttpHeaders, asked: CachePolicy = {}): CachePolicy {
  if (header === undefined) return asked;
  const { noCache, noStore, maxAge, onlyIfCached } = parse(header);
  return {
    ...asked,
    ...(noCache && { no_cache: true }),
    ...(noStore && { no_store: true }),
    ...(maxAge !== null && { max_age_seconds: maxAge }),
    ...(onlyIfCached && { only_if_cached: true }),
  };
}
