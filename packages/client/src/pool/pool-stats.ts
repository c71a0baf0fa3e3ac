/**
 * Why a connection ended. `failed`: a request on it did; `unhealthy`: its health check did; `stale`: the server
 * forgot its session or revision; `lifetime` and `idle`: the limits of the pool; `over`: it ended by itself;
 * `closed`: the pool was closed.
 */
export type DiscardReason =
  | "failed"
  | "unhealthy"
  | "stale"
  | "lifetime"
  | "idle"
  | "over"
  | "closed";

/** What a pool holds, and has held. */
export interface PoolStats {
  /** Connections that are open: idle and busy ones. */
  readonly open: number;
  readonly idle: number;
  /** Held by a request, or by their health check. */
  readonly busy: number;
  readonly opening: number;
  /** Requests that wait for a connection. */
  readonly waiting: number;
  /** Connections opened so far. */
  readonly created: number;
  /** Attempts to open one that failed. */
  readonly failedToOpen: number;
  /** Connections that ended so far, by reason. */
  readonly discarded: Readonly<Record<DiscardReason, number>>;
}

/** None yet. */
export function noDiscards(): Record<DiscardReason, number> {
  return { failed: 0, unhealthy: 0, stale: 0, lifetime: 0, idle: 0, over: 0, closed: 0 };
}
