/** One secret of the ring. */
export interface RingKey {
  /** Stands in clear in what the key sealed. 1 to 32 of `[A-Za-z0-9_-]`. */
  readonly id: string;
  /** 32 random bytes. */
  readonly secret: Uint8Array;
}

/**
 * The secrets that seal `requestState`. All replicas share one ring. To rotate: add the new key to every
 * replica, make it current, and remove the old one after the longest state lifetime.
 */
export interface KeyRing {
  /** The key that seals. */
  current(): RingKey | Promise<RingKey>;
  /** The key that opens what `id` sealed; undefined when it left the ring. */
  find(id: string): RingKey | undefined | Promise<RingKey | undefined>;
}
