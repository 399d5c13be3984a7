/** Profiles: settings under a name, from which sessions and other profiles are made. */
import type { PageSelection, ProfileInfo, ProfileList, SessionProfile } from "../schemas/generated/index.js";
import type { CatalogPart } from "./catalog.js";
import type { Condition } from "./condition.js";
import { DataFusionEngineError } from "./data-fusion-engine-error.js";
import { DocumentRegistry, type Entry } from "./document-registry.js";
import type { DocumentStore } from "./document-store.js";
import { configFingerprint } from "./fingerprint.js";
import { hashMsgpackCanonical } from "./hashing.js";
import { mergedSettings } from "./merged-settings.js";
import type { NativeEngine } from "./native.js";
import { page } from "./page.js";
import { presets } from "./presets.js";
import type { Turns } from "./turns.js";

export interface FoundProfile {
  readonly info: ProfileInfo;
  readonly revision: string;
}

export class Profiles implements CatalogPart {
  readonly #native: NativeEngine;
  readonly #registry: DocumentRegistry<SessionProfile>;
  /** What is known of each, until any of them changes. */
  readonly #found = new Map<string, FoundProfile>();

  constructor(native: NativeEngine, store: DocumentStore<Entry<SessionProfile>>, turns: Turns) {
    this.#native = native;
    const changed = () => this.#found.clear();
    this.#registry = new DocumentRegistry({ noun: "profile", notFound: "profile_not_found", changed }, store, turns);
  }

  load(): Promise<void> {
    return this.#registry.load();
  }

  get size(): number {
    return this.#registry.size;
  }

  fingerprint(): string {
    return this.#registry.fingerprint();
  }

  /** What each was registered with. */
  definitions(): [string, SessionProfile][] {
    return this.#registry.values();
  }

  list(selection: PageSelection): ProfileList {
    const names = [...presets.keys(), ...this.#registry.keys()].sort();
    const { items, next_cursor } = page(names, selection, (name) => name);
    return { items: items.map((name) => this.get(name).info), next_cursor };
  }

  get(name: string): FoundProfile {
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    const found = this.#find(name);
    this.#found.set(name, found);
    return found;
  }

  async put(name: string, profile: SessionProfile, condition: Condition): Promise<FoundProfile & { created: boolean }> {
    refusePreset(name);
    const make = () => {
      this.#native.openSession(this.#without(profile, [name]));
      return profile;
    };
    const { created } = await this.#registry.put(name, make, this.#onWhole(name, condition));
    return { ...this.get(name), created };
  }

  async remove(name: string, condition: Condition): Promise<void> {
    refusePreset(name);
    await this.#registry.remove(name, this.#onWhole(name, condition), () => this.#refuseUsed(name));
  }

  /** The settings of a profile, given or by its name, together with those of its bases. */
  resolve(profile: SessionProfile | string): SessionProfile {
    return typeof profile === "string" ? this.#without(this.#named(profile), [profile]) : this.#without(profile, []);
  }

  #without({ base, ...own }: SessionProfile, path: readonly string[]): SessionProfile {
    if (base === undefined) return own;
    const further = [...path, base];
    if (path.includes(base)) throw circle(further.slice(further.indexOf(base)));
    return mergedSettings(this.#without(this.#named(base), further), own);
  }

  #named(name: string): SessionProfile {
    return presets.get(name) ?? this.#registry.entry(name).value;
  }

  #find(name: string): FoundProfile {
    const profile = this.#named(name);
    const session = this.#native.openSession(this.resolve(name));
    const info = {
      name,
      preset: presets.has(name),
      profile,
      effective: session.effectiveProfile(),
      fingerprint: configFingerprint(session),
    };
    return { info, revision: hashMsgpackCanonical(info) };
  }

  /** Conditions are on what is shown, which a change of a base changes too. */
  #onWhole(name: string, condition: Condition): Condition {
    return (revision) => condition(revision && this.get(name).revision);
  }

  #refuseUsed(name: string): void {
    const users = this.#registry.entries().filter(([, { value }]) => value.base === name);
    if (users.length === 0) return;
    const used_by = users.map(([user]) => user);
    throw new DataFusionEngineError(`The profiles ${used_by.join(", ")} are based on ${name}.`, {
      code: "entry_in_use",
      details: { used_by },
    });
  }
}

function refusePreset(name: string): void {
  if (!presets.has(name)) return;
  throw new DataFusionEngineError(`${name} is a preset, which stays as it is: base a profile of your own on it.`, {
    code: "name_taken",
  });
}

function circle(path: readonly string[]): DataFusionEngineError {
  return new DataFusionEngineError(`The profile would be based on itself: ${path.join(" → ")}.`, {
    code: "cyclic_dependency",
    details: { path },
  });
}
