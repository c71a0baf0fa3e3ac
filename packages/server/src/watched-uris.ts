import type { ResourceWatches } from "./resource-watches.ts";

/** What one client is told of: the URIs that it subscribed to, each watched at its source. */
export class WatchedUris {
  readonly #watches: ResourceWatches;
  readonly #owner: string;
  readonly #uris = new Set<string>();
  #releaseLists: (() => void) | undefined;
  #closed = false;

  constructor(watches: ResourceWatches, owner: string) {
    this.#watches = watches;
    this.#owner = owner;
  }

  get size(): number {
    return this.#uris.size;
  }

  has(uri: string): boolean {
    return this.#uris.has(uri);
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#uris[Symbol.iterator]();
  }

  /** @returns false when the principal has as many subscriptions as it may. */
  add(uri: string): boolean {
    if (this.#closed || this.#uris.has(uri)) return true;
    if (!this.#watches.hold(uri, this.#owner)) return false;
    this.#uris.add(uri);
    return true;
  }

  delete(uri: string): void {
    if (this.#uris.delete(uri)) this.#watches.release(uri, this.#owner);
  }

  /** From now on the client hears of lists, too. */
  watchLists(): void {
    if (!this.#closed) this.#releaseLists ??= this.#watches.holdLists();
  }

  /** Resolves when everything is watched, or has taken too long for waiting. */
  async started(): Promise<void> {
    const started = [...this.#uris].map((uri) => this.#watches.started(uri));
    if (this.#releaseLists !== undefined) started.push(this.#watches.listsStarted());
    await Promise.all(started);
  }

  /** The client is gone. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#releaseLists?.();
    this.#releaseLists = undefined;
    for (const uri of this.#uris) this.#watches.release(uri, this.#owner);
    this.#uris.clear();
  }
}
