/** The scopes of a `scope` parameter (RFC 6749, 3.3). */
function scopesOf(scope: string | undefined): readonly string[] {
  return scope === undefined ? [] : scope.split(" ").filter((one) => one !== "");
}

/** Every scope once, in the order of first mention; undefined for none. */
export function unionOfScopes(...scopes: readonly (string | undefined)[]): string | undefined {
  const all = new Set(scopes.flatMap(scopesOf));
  return all.size === 0 ? undefined : [...all].join(" ");
}

/**
 * Whether `granted` holds every scope of `needed`. Scopes are compared as they are: that one implies
 * another is known to the authorization server alone.
 */
export function coversScopes(granted: string | undefined, needed: string | undefined): boolean {
  const has = new Set(scopesOf(granted));
  return scopesOf(needed).every((scope) => has.has(scope));
}

/** `offline_access` asks for a refresh token (OpenID Connect Core, 11); only where it is offered. */
export function withOfflineAccess(
  scope: string | undefined,
  offered: readonly string[] | undefined,
): string | undefined {
  // Alone it would replace the scopes that the authorization server grants by default.
  if (scope === undefined || offered?.includes("offline_access") !== true) return scope;
  return unionOfScopes(scope, "offline_access");
}
