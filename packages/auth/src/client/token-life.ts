import type { TokenRecord } from "./token-store.ts";

export function hasExpired({ expiresAtMs }: TokenRecord, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs;
}

/** Whether it is time to renew: short-lived tokens keep at least half of their life. */
export function expiresSoon(
  { expiresAtMs, obtainedAtMs }: TokenRecord,
  nowMs: number,
  skewMs: number,
): boolean {
  if (expiresAtMs === undefined) return false;
  return nowMs >= expiresAtMs - Math.min(skewMs, (expiresAtMs - obtainedAtMs) / 2);
}
