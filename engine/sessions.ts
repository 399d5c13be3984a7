/** Sessions: settings under an id, kept as documents until they have not been used for their time to live. */
import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type {
  DeltaFeatureGate,
  OperationContext,
  PageSelection,
  SchemaValidation,
  SessionDescription,
  SessionList,
  SessionProfile,
  SessionRequest,
} from "../schemas/generated/index.js";
import { type Caller, owns } from "./caller.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { deltaFeatureGatePayload } from "./delta-feature-gate-payload.js";
import type { DocumentStore } from "./document-store.js";
import { configFingerprint } from "./fingerprint.js";
import type { Log } from "./log.js";
import type { NativeEngine, NativeSession } from "./native.js";
import { page } from "./page.js";
import type { Profiles } from "./profiles.js";
import { MutableRegistry } from "./registry.js";
import { type Repeat, repeatOf, requireSame } from "./repeat.js";
import { Turns } from "./turns.js";

/** A session as it is kept on disk. */
export interface StoredSession {
  readonly id: string;
  readonly order: string;
  /** Whose it is; absent where nobody was asked who they are. */
  readonly owner?: string;
  /** With the settings of its bases, so that it stays as it was made. */
  readonly profile: SessionProfile;
  readonly gate: DeltaFeatureGate | null;
  readonly ttl_seconds: number;
  readonly created_at: string;
  readonly expires_at: string;
  /** What was asked under an Idempotency-Key. */
  readonly asked?: string;
}

interface OpenSession {
  readonly stored: StoredSession;
  readonly turns: Turns;
  /** Made when it is first used. */
  native?: NativeSession;
  /** In milliseconds; on disk it may be a tenth of the time to live earlier. */
  expires: number;
  savedUntil: number;
}

export interface SessionsParts {
  readonly native: NativeEngine;
  readonly profiles: Profiles;
  readonly store: DocumentStore<StoredSession>;
  readonly log: Log;
  /** How many may be open. */
  readonly limit: number;
}

const defaultTtlSeconds = 3600;
/** How many default sessions of callers with terms of their own are kept open. */
const keptByRights = 1_000;
/** How often sessions that have expired are looked for. */
const sweepMs = 60_000;

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #default: NativeSession;
  /** Sessions of callers who name none, by their rights. */
  readonly #byRights = new LRUCache<string, NativeSession>({ max: keptByRights });
  readonly #open = new MutableRegistry<string, OpenSession>();
  #opened = Date.now() * 1000;
  #sweeps: NodeJS.Timeout | undefined;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#default = parts.native.openSession({});
  }

  async load(): Promise<void> {
    for (const stored of await this.#parts.store.load()) {
      const expires = Date.parse(stored.expires_at);
      this.#open.register(stored.id, { stored, turns: new Turns(), expires, savedUntil: expires });
    }
    this.#removeExpired();
    this.#sweeps = setInterval(() => this.#removeExpired(), sweepMs).unref();
  }

  stop(): void {
    clearInterval(this.#sweeps);
  }

  /** Opens a session, unless a request with the same key has opened one that still is. */
  async open(request: SessionRequest, caller: Caller, idempotencyKey?: string): Promise<SessionDescription> {
    const repeat = repeatOf(idempotencyKey, "session", request, caller);
    const first = repeat && this.#open.get(repeat.id);
    // It may be about to be saved.
    await first?.turns.run(async () => undefined);
    if (repeat === undefined || first === undefined || !this.isOpen(repeat.id))
      return this.#create(request, caller, repeat);
    requireSame(repeat, first.stored.asked);
    return this.#describe(this.#live(repeat.id, caller), caller);
  }

  async #create(request: SessionRequest, caller: Caller, repeat?: Repeat): Promise<SessionDescription> {
    const { profile: given = {}, gate = null, ttl_seconds = defaultTtlSeconds } = request;
    this.#refuseTooMany();
    const profile = this.#parts.profiles.resolve(given);
    const native = this.#parts.native.openSession(profile, gate, caller);
    const now = Date.now();
    const expires = now + ttl_seconds * 1000;
    const stored = {
      id: repeat?.id ?? randomUUID(),
      ...(repeat && { asked: repeat.fingerprint }),
      order: String(this.#opened++).padStart(16, "0"),
      owner: caller.id,
      profile,
      gate,
      ttl_seconds,
      created_at: new Date(now).toISOString(),
      expires_at: new Date(expires).toISOString(),
    };
    const session = { stored, turns: new Turns(), native, expires, savedUntil: expires };
    this.#open.register(stored.id, session, { overwrite: true });
    try {
      await session.turns.run(() => this.#parts.store.save(stored.id, stored));
    } catch (error) {
      this.#open.unregister(stored.id);
      throw error;
    }
    return this.#describe(session, caller);
  }

  /** The session that a query names, used by this; the default one without a name. */
  use(id: string | undefined, caller: Caller): NativeSession {
    if (id === undefined) return this.#ofRights(caller);
    const session = this.#live(id, caller);
    this.#renew(session);
    return this.#native(session, caller);
  }

  /** What a session, used by this, asks of operations on tables. */
  terms(id: string | undefined, caller: Caller): Pick<OperationContext, "gates" | "runtime" | "functions"> {
    if (id === undefined) return { gates: [] };
    const session = this.#live(id, caller);
    this.#renew(session);
    const { delta, functions } = session.stored.profile;
    const gates = [session.stored.gate, delta?.gate].map((gate) => deltaFeatureGatePayload(gate));
    return {
      gates: gates.filter((gate) => gate !== null),
      runtime: delta?.runtime_env ?? null,
      functions: functions?.policy ?? null,
    };
  }

  /** Whether tables that a query reads are held to their contracts: only where the session says so itself. */
  readValidation(id: string | undefined, caller: Caller): SchemaValidation {
    const profile = id === undefined ? undefined : this.#live(id, caller).stored.profile;
    return profile?.schema_validation ?? "off";
  }

  describe(id: string, caller: Caller): SessionDescription {
    return this.#describe(this.#live(id, caller), caller);
  }

  /** Whether it is still there; asking does not count as use. */
  isOpen(id: string): boolean {
    const session = this.#open.get(id);
    return session !== undefined && session.expires > Date.now();
  }

  list(selection: PageSelection, caller: Caller): SessionList {
    this.#removeExpired();
    const sessions = this.#open
      .entries()
      .flatMap(([, session]) => (owns(caller, session.stored.owner) ? [session] : []))
      .sort((left, right) => (left.stored.order < right.stored.order ? -1 : 1));
    const { items, next_cursor } = page(sessions, selection, ({ stored }) => stored.order);
    return { items: items.map((session) => this.#describe(session, caller)), next_cursor };
  }

  async close(id: string, caller: Caller): Promise<void> {
    const session = this.#live(id, caller);
    this.#open.unregister(id);
    await session.turns.run(() => this.#parts.store.remove(id));
  }

  #ofRights(caller: Caller): NativeSession {
    const { rights } = caller;
    if (rights === "") return this.#default;
    const session = this.#byRights.get(rights) ?? this.#parts.native.openSession({}, null, caller);
    this.#byRights.set(rights, session);
    return session;
  }

  /** Made anew where the caller has other rights than when it was made. */
  #native(session: OpenSession, caller: Caller): NativeSession {
    const { profile, gate } = session.stored;
    if (session.native?.holder.rights !== caller.rights) {
      session.native = this.#parts.native.openSession(profile, gate, caller);
    }
    return session.native;
  }

  #describe(session: OpenSession, caller: Caller): SessionDescription {
    const { id, gate, ttl_seconds, created_at } = session.stored;
    const native = this.#native(session, caller);
    return {
      session_id: id,
      profile: native.effectiveProfile(),
      profile_fingerprint: configFingerprint(native),
      ...(gate !== null && { gate }),
      ttl_seconds,
      created_at,
      expires_at: new Date(session.expires).toISOString(),
    };
  }

  #live(id: string, caller: Caller): OpenSession {
    const session = this.#open.get(id);
    if (session !== undefined && this.isOpen(id) && owns(caller, session.stored.owner)) return session;
    throw new DataFusionEngineError(`There is no session ${id}, or it has expired.`, { code: "session_not_found" });
  }

  #renew(session: OpenSession): void {
    const life = session.stored.ttl_seconds * 1000;
    session.expires = Date.now() + life;
    if (session.expires - session.savedUntil < life / 10) return;
    session.savedUntil = session.expires;
    const { id } = session.stored;
    const document = { ...session.stored, expires_at: new Date(session.expires).toISOString() };
    const save = async () => {
      if (this.#open.has(id)) await this.#parts.store.save(id, document);
    };
    session.turns.run(save).catch((err) => this.#parts.log.warn({ err }, "the use of a session isn't remembered"));
  }

  #removeExpired(): void {
    const now = Date.now();
    for (const [id, session] of this.#open.entries()) {
      if (session.expires > now) continue;
      this.#open.unregister(id);
      const removed = session.turns.run(() => this.#parts.store.remove(id));
      removed.catch((err) => this.#parts.log.warn({ err }, "an expired session isn't removed from the disk"));
    }
  }

  #refuseTooMany(): void {
    const { limit } = this.#parts;
    if (this.#open.size < limit) return;
    this.#removeExpired();
    if (this.#open.size < limit) return;
    throw new DataFusionEngineError(`There are ${limit} sessions already; close one with DELETE.`, {
      code: "too_many_requests",
    });
  }
}
