import type { CacheHint } from "@backplane/protocol";
import { checkMembers } from "@backplane/protocol";

/** @throws {TypeError} for a lifetime or scope that the wire form cannot carry (spec: server/utilities/caching). */
export function checkCacheHint(subject: string, hint: Partial<CacheHint>): void {
  checkMembers(subject, hint, ["ttlMs", "cacheScope"]);
  const { ttlMs, cacheScope } = hint;
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs >= 0)) {
    throw new TypeError(`${subject}: ttlMs must be a whole number of 0 or more`);
  }
  if (cacheScope !== undefined && cacheScope !== "public" && cacheScope !== "private") {
    throw new TypeError(`${subject}: cacheScope must be "public" or "private"`);
  }
}
