import type { Authenticator, Authorizer } from "@backplane/protocol";

/** Believes `Authorization: Bearer <name>` for known names: enough to test what is done with identity. */
export const byName: Authenticator = {
  authenticate(request) {
    const name = /^Bearer (ada|bob|root)$/.exec(request.header("authorization") ?? "")?.[1];
    if (name === undefined) {
      return {
        failure: {
          status: 401,
          headers: { "WWW-Authenticate": 'Bearer realm="tests"' },
          message: "Authentication required",
        },
      };
    }
    return { principal: { id: name, scopes: [], roles: name === "root" ? ["admin"] : [] } };
  },
};

/** Hides what a caller lacks the role for, and challenges for what it lacks the scope for. */
export const byRole: Authorizer = {
  perPrincipal: true,
  decide(principal, primitive) {
    const roles = principal?.roles ?? [];
    if (primitive.roles.length > 0 && !primitive.roles.some((role) => roles.includes(role))) {
      return { effect: "hide" };
    }
    if (primitive.scopes.some((scope) => !principal?.scopes.includes(scope))) {
      return {
        effect: "challenge",
        failure: {
          status: 403,
          headers: { "WWW-Authenticate": 'Bearer error="insufficient_scope", scope="write"' },
          message: "Insufficient scope",
        },
      };
    }
    return { effect: "allow" };
  },
};

export function bearer(name: string): { authorization: string } {
  return { authorization: `Bearer ${name}` };
}
