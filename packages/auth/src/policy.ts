import type {
  AuthenticationFailure,
  AuthorizationDecision,
  Authorizer,
  Principal,
  ProtectedPrimitive,
} from "@backplane/protocol";
import { challenge } from "./internal/www-authenticate.ts";
import {
  type PolicyOptions,
  type ReadRule,
  type ResolvedPolicy,
  resolvePolicy,
} from "./policy-options.ts";

const ALLOW: AuthorizationDecision = Object.freeze({ effect: "allow" });
const HIDE: AuthorizationDecision = Object.freeze({ effect: "hide" });

/** Stands for everybody whom nobody named. It can have nothing that is demanded. */
const NOBODY: Principal = Object.freeze({ id: "", scopes: [], roles: [] });

const NOTICE =
  "the policy serves anonymous callers: whoever reaches the server may use every primitive that demands nothing";

/** Decisions for all principals with the same permissions; of each primitive object, so of each registration. */
interface Profile {
  decisions: WeakMap<ProtectedPrimitive, AuthorizationDecision>;
  cached: boolean;
}

/**
 * The one policy for seeing and calling: what a primitive declares (`scopes`, `roles`), and rules on groups.
 * What a principal lacks a role for is hidden, and answers as what does not exist.
 * @throws {TypeError} that names the option.
 */
export function policy(options: PolicyOptions = {}): Authorizer {
  return new Policy(resolvePolicy(options));
}

class Policy implements Authorizer {
  readonly perPrincipal = true;
  readonly notices: readonly string[];
  readonly #options: ResolvedPolicy;
  /** Without rule functions only scopes and roles decide, so that principals with the same share a profile. */
  readonly #byPermissions: boolean;
  readonly #profiles = new Map<string, Profile>();
  readonly #profileOf = new WeakMap<Principal, Profile>();
  #serial = 0;

  constructor(options: ResolvedPolicy) {
    this.#options = options;
    this.#byPermissions = options.rules.every(({ when }) => when === undefined);
    this.notices = options.anonymous ? [NOTICE] : [];
  }

  decide(principal: Principal | undefined, primitive: ProtectedPrimitive): AuthorizationDecision {
    if (principal === undefined && !this.#options.anonymous) return HIDE;
    const caller = principal ?? NOBODY;
    const profile = this.#profile(caller);
    let decision = profile.decisions.get(primitive);
    if (decision === undefined) {
      decision = evaluate(this.#options, caller, primitive);
      profile.decisions.set(primitive, decision);
    }
    return decision;
  }

  #profile(principal: Principal): Profile {
    const known = this.#profileOf.get(principal);
    if (known?.cached === true) return known;
    const key = this.#byPermissions
      ? JSON.stringify([[...principal.scopes].sort(), [...principal.roles].sort()])
      : undefined;
    const profile = this.#cached(key ?? String(this.#serial++));
    this.#profileOf.set(principal, profile);
    return profile;
  }

  #cached(key: string): Profile {
    let profile = this.#profiles.get(key);
    if (profile !== undefined) return profile;
    if (this.#profiles.size >= this.#options.maxCached) this.#evictOldest();
    profile = { decisions: new WeakMap(), cached: true };
    this.#profiles.set(key, profile);
    return profile;
  }

  /** Principals may live on and hold the profile, so it is emptied as well. */
  #evictOldest(): void {
    for (const [key, profile] of this.#profiles) {
      this.#profiles.delete(key);
      profile.cached = false;
      profile.decisions = new WeakMap();
      return;
    }
  }
}

function evaluate(
  options: ResolvedPolicy,
  principal: Principal,
  primitive: ProtectedPrimitive,
): AuthorizationDecision {
  const rules = options.rules.filter((rule) => selects(rule, primitive));
  const roleLists = [primitive.roles, ...rules.map(({ roles }) => roles)];
  const scopes = [...new Set([primitive.scopes, ...rules.map((rule) => rule.scopes)].flat())];
  const demandsRole = roleLists.some((roles) => roles.length > 0);
  if (!demandsRole && scopes.length === 0 && rules.length === 0) {
    return options.allowsByDefault ? ALLOW : HIDE;
  }
  const mayBy = (roles: readonly string[]): boolean =>
    roles.length === 0 || roles.some((role) => principal.roles.includes(role));
  if (!roleLists.every(mayBy)) return HIDE;
  // Only `true` lets through: a function that forgets to answer must not.
  if (rules.some(({ when }) => when !== undefined && when(principal, primitive) !== true)) {
    return HIDE;
  }
  const granted = options.grantedScopes(principal);
  if (scopes.every((scope) => granted.has(scope))) return ALLOW;
  return options.challenges ? { effect: "challenge", scopes, failure: lacking(scopes) } : HIDE;
}

function selects(rule: ReadRule, { kind, name, tags }: ProtectedPrimitive): boolean {
  return (
    (rule.kinds.length === 0 || rule.kinds.includes(kind)) &&
    (rule.names.size === 0 || rule.names.has(name)) &&
    (rule.tags.length === 0 || rule.tags.some((tag) => tags.includes(tag)))
  );
}

/** For a server whose authenticator has no words of its own. */
function lacking(scopes: readonly string[]): AuthenticationFailure {
  return {
    status: 403,
    headers: {
      "WWW-Authenticate": challenge("Bearer", {
        error: "insufficient_scope",
        scope: scopes.join(" "),
      }),
    },
    message: "The credential lacks a scope",
    stage: "scope",
  };
}
