/** Listeners by key; one that is added twice is two. */
export class Listeners {
  readonly #byKey = new Map<string, Set<() => void>>();

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  /** @returns the removal, idempotent. */
  add(key: string, listener: () => void): () => void {
    const call = (): void => listener();
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, new Set([call]));
    else known.add(call);
    return () => {
      const listeners = this.#byKey.get(key);
      if (listeners?.delete(call) === true && listeners.size === 0) this.#byKey.delete(key);
    };
  }

  call(key: string): void {
    for (const listener of [...(this.#byKey.get(key) ?? [])]) listener();
  }

  callAll(): void {
    for (const key of [...this.#byKey.keys()]) this.call(key);
  }
}
