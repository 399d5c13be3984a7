/** Sessions: settings under an id, kept in memory until they have not been used for their time to live. */
import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type {
  DeltaFeatureGate,
  PageSelection,
  SessionDescription,
  SessionList,
  SessionRequest,
} from "../schemas/generated/index.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { deltaFeatureGatePayload } from "./delta-feature-gate-payload.js";
import { configFingerprint } from "./fingerprint.js";
import type { NativeEngine, NativeSession } from "./native.js";
import { page } from "./page.js";

interface OpenSession {
  readonly id: string;
  readonly order: string;
  readonly native: NativeSession;
  readonly gate: DeltaFeatureGate | null;
  readonly ttlSeconds: number;
  readonly createdAt: string;
}

const defaultTtlSeconds = 3600;

export class Sessions {
  readonly #native: NativeEngine;
  readonly #default: NativeSession;
  readonly #open: LRUCache<string, OpenSession>;
  #opened = 0;

  constructor(native: NativeEngine, limit: number) {
    this.#native = native;
    this.#default = native.openSession({});
    this.#open = new LRUCache({ max: limit, updateAgeOnGet: true, ttl: defaultTtlSeconds * 1000 });
  }

  open({ profile = {}, gate = null, ttl_seconds = defaultTtlSeconds }: SessionRequest): SessionDescription {
    this.#refuseTooMany();
    const session = {
      id: randomUUID(),
      order: String(this.#opened++).padStart(16, "0"),
      native: this.#native.openSession(profile, gate),
      gate,
      ttlSeconds: ttl_seconds,
      createdAt: new Date().toISOString(),
    };
    this.#open.set(session.id, session, { ttl: ttl_seconds * 1000 });
    return this.#describe(session);
  }

  /** The session that a query names, used by this; the default one without a name. */
  use(id: string | undefined): NativeSession {
    if (id === undefined) return this.#default;
    return (this.#open.get(id) ?? noSuchSession(id)).native;
  }

  /** The gates that a session, used by this, puts on what is done in it. */
  gates(id: string | undefined): DeltaFeatureGate[] {
    const gate = id === undefined ? null : (this.#open.get(id) ?? noSuchSession(id)).gate;
    const payload = deltaFeatureGatePayload(gate);
    return payload === null ? [] : [payload];
  }

  describe(id: string): SessionDescription {
    return this.#describe(this.#open.peek(id) ?? noSuchSession(id));
  }

  list(selection: PageSelection): SessionList {
    this.#open.purgeStale();
    const sessions = [...this.#open.values()].sort((left, right) => (left.order < right.order ? -1 : 1));
    const { items, next_cursor } = page(sessions, selection, ({ order }) => order);
    return { items: items.map((session) => this.#describe(session)), next_cursor };
  }

  close(id: string): void {
    if (!this.#open.delete(id)) noSuchSession(id);
  }

  #describe(session: OpenSession): SessionDescription {
    const { id, native, gate, ttlSeconds, createdAt } = session;
    const expires = new Date(Date.now() + this.#open.getRemainingTTL(id));
    return {
      session_id: id,
      profile: native.effectiveProfile(),
      profile_fingerprint: configFingerprint(native),
      ...(gate !== null && { gate }),
      ttl_seconds: ttlSeconds,
      created_at: createdAt,
      expires_at: expires.toISOString(),
    };
  }

  #refuseTooMany(): void {
    this.#open.purgeStale();
    if (this.#open.size < this.#open.max) return;
    throw new DataFusionEngineError(`There are ${this.#open.max} sessions already; close one with DELETE.`, {
      code: "too_many_requests",
    });
  }
}

function noSuchSession(id: string): never {
  throw new DataFusionEngineError(`There is no session ${id}, or it has expired.`, { code: "session_not_found" });
}
