import { type Clock, systemClock } from "@backplane/protocol";

/**
 * Lets one process at a time renew a token. Authorization servers rotate refresh tokens and take the use
 * of an old one for theft (OAuth 2.1, 4.3.1), so two replicas that refresh at once can lose both.
 */
export interface RefreshLock {
  /**
   * Waits until nobody holds `key`, then holds it.
   *
   * @param ttlMs when the lock frees itself, because its holder may have died.
   * @returns what frees it; calling it twice, or after `ttlMs`, must not free somebody else's hold.
   */
  acquire(key: string, ttlMs: number): Promise<() => Promise<void>>;
}

/** A lock for the clients of this process; what it waits by is `clock`. */
export function createMemoryRefreshLock(clock: Clock = systemClock): RefreshLock {
  const tails = new Map<string, Promise<void>>();
  return {
    async acquire(key, ttlMs) {
      const before = tails.get(key);
      let free = (): void => {};
      const held = new Promise<void>((resolve) => {
        free = resolve;
      });
      const tail = (before ?? Promise.resolve()).then(() => held);
      tails.set(key, tail);
      await before;
      const cancel = clock.after(ttlMs, free);
      void tail.then(() => {
        cancel();
        if (tails.get(key) === tail) tails.delete(key);
      });
      return async () => free();
    },
  };
}
