import type { ProtectedPrimitive } from "@backplane/protocol";

/** What every registered tool, prompt, resource and template has. */
export interface RegisteredPrimitive {
  /** The name, URI or URI template under which it is found and ordered. */
  readonly key: string;
  readonly protection: ProtectedPrimitive;
  enabled: boolean;
}

/** What a registration gives back: the way to change it at run time. Clients are told of each change. */
export interface RegistrationHandle {
  readonly name: string;
  readonly enabled: boolean;
  /** Hides it from lists and refuses calls, until `enable`. */
  disable(): void;
  enable(): void;
  remove(): void;
}

/**
 * The primitives of one kind. Lookup is by hash; the ordered view is made once per version, so the cost
 * of a call does not grow with the number registered.
 */
export class PrimitiveTable<Entry extends RegisteredPrimitive> {
  readonly #noun: string;
  readonly #entries = new Map<string, Entry>();
  readonly #onChange: () => void;
  #ordered: readonly Entry[] | undefined;
  #version = 0;

  constructor(noun: string, onChange: () => void) {
    this.#noun = noun;
    this.#onChange = onChange;
  }

  /** Grows with each change; what is derived from the table is cached under it. */
  get version(): number {
    return this.#version;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** The entry, unless there is none or it is disabled. */
  find(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry?.enabled === true ? entry : undefined;
  }

  /**
   * The enabled entries in code-unit order of their keys: the same on every replica, whatever the order
   * of registration.
   */
  ordered(): readonly Entry[] {
    this.#ordered ??= [...this.#entries.values()]
      .filter((entry) => entry.enabled)
      .sort((left, right) => (left.key < right.key ? -1 : 1));
    return this.#ordered;
  }

  /** @throws {TypeError} when the key is taken. */
  add(entry: Entry): RegistrationHandle {
    if (this.#entries.has(entry.key)) {
      throw new TypeError(
        `${this.#noun} "${entry.key}" is registered already; remove it first or choose another name`,
      );
    }
    this.#entries.set(entry.key, entry);
    this.#changed();
    const setEnabled = (enabled: boolean): void => {
      if (entry.enabled === enabled || this.#entries.get(entry.key) !== entry) return;
      entry.enabled = enabled;
      this.#changed();
    };
    return {
      name: entry.key,
      get enabled() {
        return entry.enabled;
      },
      disable: () => setEnabled(false),
      enable: () => setEnabled(true),
      remove: () => {
        if (this.#entries.get(entry.key) === entry) this.remove(entry.key);
      },
    };
  }

  /** @returns whether there was one. */
  remove(key: string): boolean {
    const removed = this.#entries.delete(key);
    if (removed) this.#changed();
    return removed;
  }

  #changed(): void {
    this.#version++;
    this.#ordered = undefined;
    this.#onChange();
  }
}
