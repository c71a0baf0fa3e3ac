import type { Principal } from "@backplane/protocol";
import { checkedScopes } from "./permissions.ts";

/** What a scope grants beside itself: `{ admin: ["write"], write: ["read"] }`. */
export type ScopeHierarchy = Readonly<Record<string, readonly string[]>>;

/** Every scope that a principal has, by name or by what it implies. Compared as they are, case included. */
export type GrantedScopes = (principal: Principal) => ReadonlySet<string>;

/**
 * Reads a hierarchy once; what follows from it for a principal is kept as long as the principal.
 * @throws {TypeError} that names the option.
 */
export function grantedScopes(
  subject: string,
  hierarchy: ScopeHierarchy | undefined,
): GrantedScopes {
  const implied = new Map<string, readonly string[]>();
  for (const [scope, scopes] of Object.entries(hierarchy ?? {})) {
    checkedScopes(subject, "scopeHierarchy", [scope]);
    implied.set(scope, checkedScopes(subject, `scopeHierarchy.${scope}`, scopes));
  }
  const known = new WeakMap<Principal, ReadonlySet<string>>();
  return (principal) => {
    let scopes = known.get(principal);
    if (scopes === undefined) {
      scopes = closure(principal.scopes, implied);
      known.set(principal, scopes);
    }
    return scopes;
  };
}

function closure(
  scopes: readonly string[],
  implied: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  // A set is walked in the order of insertion, what is added meanwhile included.
  const all = new Set(scopes);
  for (const scope of all) for (const more of implied.get(scope) ?? []) all.add(more);
  return all;
}
