/** Ids that share what is random. */
const SHARED = 256;
const LAST_DIGITS: readonly string[] = Array.from({ length: SHARED }, (_, n) =>
  n.toString(16).padStart(2, "0"),
);

let start = "";
let used = SHARED;

/**
 * A UUID that no other process makes either: of version 8 (RFC 9562, 5.8), 114 bits at random and 8 that count,
 * because a random one of its own for each request costs ten times as much. It names, and is no secret: who
 * knows one can guess its neighbours.
 */
export function uniqueId(): string {
  if (used === SHARED) {
    const random = globalThis.crypto.randomUUID();
    start = `${random.slice(0, 14)}8${random.slice(15, -2)}`;
    used = 0;
  }
  return start + (LAST_DIGITS[used++] as string);
}
