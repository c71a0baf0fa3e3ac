import {
  canonicalJson,
  type Invocation,
  type Principal,
  principalKey,
  sha256,
} from "@backplane/protocol";

/** The methods whose results can be kept, and what of their params makes a result another one. */
const KEYED: Readonly<Record<string, readonly string[]>> = {
  "tools/call": ["name", "arguments"],
  "resources/read": ["uri"],
  "tools/list": ["cursor"],
  "prompts/list": ["cursor"],
  "resources/list": ["cursor"],
  "resources/templates/list": ["cursor"],
  "server/discover": [],
};

/** Lists look different in each revision; what tools and resources give does not. */
const BY_REVISION: ReadonlySet<string> = new Set(
  Object.keys(KEYED).filter((method) => method !== "tools/call" && method !== "resources/read"),
);

/** The methods that an interceptor may answer from a cache. */
export const CACHEABLE_METHODS: readonly string[] = Object.keys(KEYED);

/** Of a token, not of who it stands for: they change with every refresh (RFC 7519, 4.1). */
const TOKEN_CLAIMS: ReadonlySet<string> = new Set([
  "exp",
  "iat",
  "nbf",
  "jti",
  "auth_time",
  "nonce",
]);

/**
 * The key of a result: method, principal, and a digest of what was asked. Two requests have the same key only
 * if the same principal, with the same rights, asks for the same thing; what is declared public has no
 * principal in it.
 *
 * @param prefix stands for the server.
 * @param leaves whether it leaves this process: then nothing of arguments can be read from it.
 */
export function resultKey(
  prefix: string,
  { method, params, context, cacheHint }: Invocation,
  leaves: boolean,
): string {
  const scope = cacheHint?.cacheScope === "public" ? "public" : principalScope(context.principal);
  const revision = BY_REVISION.has(method) ? context.revision : "";
  const asked = askedOf(method, params);
  // A digest has no bracket, with which each of these texts begins.
  const plain = !leaves && asked.length <= MAX_PLAIN_LENGTH;
  return `${prefix}${method}:${revision}:${scope}:${plain ? asked : sha256(asked)}`;
}

/** Longer ones would be most of what memory holds. */
const MAX_PLAIN_LENGTH = 1_024;

function askedOf(method: string, params: Readonly<Record<string, unknown>>): string {
  if (method === "tools/call") return canonicalJson([params.name, params.arguments ?? {}]);
  return canonicalJson((KEYED[method] ?? []).map((member) => params[member] ?? null));
}

const scopes = new WeakMap<Principal, string>();
/** No digest is as short. */
const ANONYMOUS = "nobody";

/**
 * A digest of who is asking and of everything that a handler can decide by: identity, scopes, roles and claims.
 * Narrower than identity alone, as the specification keys private results by access token.
 */
function principalScope(principal: Principal | undefined): string {
  if (principal === undefined) return ANONYMOUS;
  let scope = scopes.get(principal);
  if (scope === undefined) {
    const { claims = {} } = principal;
    const lasting = Object.fromEntries(
      Object.entries(claims).filter(([name]) => !TOKEN_CLAIMS.has(name)),
    );
    const rights = [[...principal.scopes].sort(), [...principal.roles].sort(), lasting];
    scope = sha256(canonicalJson([principalKey(principal), ...rights]));
    scopes.set(principal, scope);
  }
  return scope;
}
