/**
 * Calls `callback` after a while. Unlike `Clock.after` this keeps the process alive: somebody awaits what
 * follows, and a process that ended meanwhile would lose it without a word.
 * @returns its cancellation.
 */
export function waitAwake(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}
