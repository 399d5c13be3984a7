/** Who depends on what, by names. */
import { MutableRegistry } from "./registry.js";

export class Dependents {
  readonly #dependencies = new MutableRegistry<string, readonly string[]>();
  readonly #dependents = new MutableRegistry<string, Set<string>>();

  /** Says what `name` depends on, in place of what it did. */
  set(name: string, dependencies: readonly string[]): void {
    for (const old of this.#dependencies.get(name) ?? []) this.#dependents.get(old)?.delete(name);
    this.#dependencies.register(name, dependencies, { overwrite: true });
    for (const dependency of dependencies) {
      const known = this.#dependents.get(dependency);
      if (known !== undefined) known.add(name);
      else this.#dependents.register(dependency, new Set([name]));
    }
  }

  /** Those that depend on `name` directly. */
  of(name: string): string[] {
    return [...(this.#dependents.get(name) ?? [])];
  }

  /** Those that do in any way, but `name` itself. */
  above(name: string): string[] {
    const found = new Set<string>();
    const open = [name];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const fresh = this.of(next).filter((dependent) => !found.has(dependent));
      for (const dependent of fresh) found.add(dependent);
      open.push(...fresh);
    }
    found.delete(name);
    return [...found];
  }
}
