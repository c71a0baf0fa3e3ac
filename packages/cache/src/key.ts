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
  return `${prefix}${method}:${revision}:${scope}:${askedOf(method, params, leaves)}`;
}

/** Longer ones would be most of what memory holds. */
const MAX_PLAIN_LENGTH = 1_024;

/** A digest has neither the bracket nor the colon with which the others begin. */
function askedOf(
  method: string,
  params: Readonly<Record<string, unknown>>,
  leaves: boolean,
): string {
  const isCall = method === "tools/call";
  if (isCall && !leaves) {
    const short = shortText(params.name as string, params.arguments ?? {});
    if (short !== undefined && short.length <= MAX_PLAIN_LENGTH) return short;
  }
  const text = canonicalJson(
    isCall
      ? [params.name, params.arguments ?? {}]
      : (KEYED[method] ?? []).map((member) => params[member] ?? null),
  );
  return !leaves && text.length <= MAX_PLAIN_LENGTH ? text : sha256(text);
}

/**
 * The one text of a name and of arguments that hold no objects, each part after its length: made in a seventh of
 * the time that JSON takes. Undefined for all others. Not for a digest, which tells no lone surrogates apart.
 */
function shortText(name: string, args: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(args);
  if ((prototype !== Object.prototype && prototype !== null) || "toJSON" in args) return undefined;
  const members = args as Readonly<Record<string, unknown>>;
  let text = `${name.length}:${name}`;
  for (const member of sorted(Object.keys(args))) {
    const value = members[member];
    if (value === undefined) continue;
    const isText = typeof value === "string";
    if (!isText && typeof value !== "boolean" && value !== null && !Number.isFinite(value)) {
      return undefined;
    }
    const written = isText ? value : String(value);
    text += `${member.length}:${member}${written.length}${isText ? ":" : "="}${written}`;
  }
  return text;
}

/** Most clients write their arguments in one order, which often is this one. */
function sorted(names: string[]): readonly string[] {
  for (let index = 1; index < names.length; index++) {
    if ((names[index] as string) < (names[index - 1] as string)) return names.sort();
  }
  return names;
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
