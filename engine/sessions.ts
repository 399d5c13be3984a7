/** Sessions: settings under an id, kept as documents until they have not been used for their time to live. */
import { randomUUID } from "node:crypto";
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
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { deltaFeatureGatePayload } from "./delta-feature-gate-payload.js";
import type { DocumentStore } from "./document-store.js";
import { configFingerprint } from "./fingerprint.js";
import type { Log } from "./log.js";
import type { NativeEngine, NativeSession } from "./native.js";
import { page } from "./page.js";
import type { Profiles } from "./profiles.js";
import { MutableRegistry } from "./registry.js";
import { Turns } from "./turns.js";

/** A session as it is kept on disk. */
export interface StoredSession {
  readonly id: string;
  readonly order: string;
  /** With the settings of its bases, so that it stays as it was made. */
  readonly profile: SessionProfile;
  readonly gate: DeltaFeatureGate | null;
  readonly ttl_seconds: number;
  readonly created_at: string;
  readonly expires_at: string;
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
/** How often sessions that have expired are looked for. */
const sweepMs = 60_000;

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #default: NativeSession;
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

  async open(request: SessionRequest): Promise<SessionDescription> {
    const { profile: given = {}, gate = null, ttl_seconds = defaultTtlSeconds } = request;
    this.#refuseTooMany();
    const profile = this.#parts.profiles.resolve(given);
    const native = this.#parts.native.openSession(profile, gate);
    const now = Date.now();
    const expires = now + ttl_seconds * 1000;
    const stored = {
      id: randomUUID(),
      order: String(this.#opened++).padStart(16, "0"),
      profile,
      gate,
      ttl_seconds,
      created_at: new Date(now).toISOString(),
      expires_at: new Date(expires).toISOString(),
    };
    const session = { stored, turns: new Turns(), native, expires, savedUntil: expires };
    this.#open.register(stored.id, session);
    try {
      await this.#parts.store.save(stored.id, stored);
    } catch (error) {
      this.#open.unregister(stored.id);
      throw error;
    }
    return this.#describe(session);
  }

  /** The session that a query names, used by this; the default one without a name. */
  use(id: string | undefined): NativeSession {
    if (id === undefined) return this.#default;
    const session = this.#live(id);
    this.#renew(session);
    return this.#native(session);
  }

  /** What a session, used by this, asks of operations on tables. */
  terms(id: string | undefined): Pick<OperationContext, "gates" | "runtime" | "functions"> {
    if (id === undefined) return { gates: [] };
    const session = this.#live(id);
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
  readValidation(id: string | undefined): SchemaValidation {
    const profile = id === undefined ? undefined : this.#live(id).stored.profile;
    return profile?.schema_validation ?? "off";
  }

  describe(id: string): SessionDescription {
    return this.#describe(this.#live(id));
  }

  list(selection: PageSelection): SessionList {
    this.#removeExpired();
    const sessions = this.#open
      .entries()
      .map(([, session]) => session)
      .sort((left, right) => (left.stored.order < right.stored.order ? -1 : 1));
    const { items, next_cursor } = page(sessions, selection, ({ stored }) => stored.order);
    return { items: items.map((session) => this.#describe(session)), next_cursor };
  }

  async close(id: string): Promise<void> {
    const session = this.#live(id);
    this.#open.unregister(id);
    await session.turns.run(() => this.#parts.store.remove(id));
  }

  #native(session: OpenSession): NativeSession {
    const { profile, gate } = session.stored;
    session.native ??= this.#parts.native.openSession(profile, gate);
    return session.native;
  }

  #describe(session: OpenSession): SessionDescription {
    const { id, gate, ttl_seconds, created_at } = session.stored;
    const native = this.#native(session);
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

  #live(id: string): OpenSession {
    const session = this.#open.get(id);
    if (session !== undefined && session.expires > Date.now()) return session;
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
