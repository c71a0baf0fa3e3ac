/** Time as everything above it sees it, so that a test can move it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `callback` once after `delayMs`; never keeps the process alive. Returns its cancellation. */
  after(delayMs: number, callback: () => void): () => void;
}
