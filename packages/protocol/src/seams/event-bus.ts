/**
 * Fan-out of small JSON messages to every replica, this one included. Delivery is at most once and in
 * order per publisher and topic; a lost message must never lose more than time (spec: no replay of
 * subscriptions; clients re-fetch).
 */
export interface EventBus {
  /** Resolves once the message is handed over, not once it is delivered. */
  publish(topic: string, message: string): Promise<void>;
  /**
   * Resolves once messages published from now on, anywhere, reach `listener`. A listener that throws
   * does not disturb the others. @returns its removal, idempotent.
   */
  subscribe(topic: string, listener: (message: string) => void): Promise<() => Promise<void>>;
  /**
   * Calls `listener` whenever messages may have been missed and are heard again from then on, as after a
   * broken connection. A bus that never misses any has no such method. @returns its removal.
   */
  onGap?(listener: () => void): () => void;
  close(): Promise<void>;
}
