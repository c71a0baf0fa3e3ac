/** One event of a resumable stream. */
export interface LoggedEvent {
  /** Unique in the stream and increasing; opaque to clients. */
  readonly id: string;
  /** One JSON-RPC message as text; empty for a priming event. */
  readonly data: string;
}

/**
 * The append-only logs behind resumable SSE. A stream is bounded in events, bytes and time; what falls
 * out of the bound cannot be replayed, and the reader is told.
 */
export interface EventLog {
  /** Appends and returns the event's id. Appending to an ended stream is an error. */
  append(streamId: string, data: string): Promise<string>;
  /** Marks that nothing follows. Idempotent. */
  end(streamId: string): Promise<void>;
  /**
   * Events after `lastEventId` (all when undefined), oldest first, and whether the stream has ended.
   * Undefined when the stream is unknown or expired, when `lastEventId` is not (or no longer) in it, and
   * when all are asked for but the first have fallen out: there is never a silent gap.
   */
  read(
    streamId: string,
    lastEventId: string | undefined,
  ): Promise<{ readonly events: readonly LoggedEvent[]; readonly ended: boolean } | undefined>;
  /** Forgets streams, as when their session ends. */
  delete(streamIds: readonly string[]): Promise<void>;
  close(): Promise<void>;
}
