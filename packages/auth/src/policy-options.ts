import {
  checkBoolean,
  checkMembers,
  type Principal,
  type ProtectedPrimitive,
  wholeNumber,
} from "@backplane/protocol";
import { checkedList, checkedRoles, checkedScopes } from "./internal/permissions.ts";
import {
  type GrantedScopes,
  grantedScopes,
  type ScopeHierarchy,
} from "./internal/scope-hierarchy.ts";

/** What a group of primitives demands. A primitive is in it when every member that selects does. */
export interface PolicyRule {
  /** Default every kind. */
  readonly kinds?: readonly ProtectedPrimitive["kind"][];
  /** Names of tools and prompts, URIs and URI templates of resources, as they are. Default every name. */
  readonly names?: readonly string[];
  /** Tags, of which a primitive has one. Default whatever its tags. */
  readonly tags?: readonly string[];
  /** Scopes that are needed beside those of the primitive, all of them. */
  readonly scopes?: readonly string[];
  /** Roles, of which one is needed beside one of those of the primitive. */
  readonly roles?: readonly string[];
  /**
   * Whether a principal may; false hides. It is asked once for each principal and primitive, so it must
   * depend on nothing else.
   */
  readonly when?: (principal: Principal, primitive: ProtectedPrimitive) => boolean;
}

/** What `policy` takes. */
export interface PolicyOptions {
  /** What is done with a primitive of which nothing is demanded, by itself or by a rule. Default `allow`. */
  readonly default?: "allow" | "deny";
  /** Demands on groups. All that fit apply. */
  readonly rules?: readonly PolicyRule[];
  /** What a scope grants beside itself. Default nothing. */
  readonly scopeHierarchy?: ScopeHierarchy;
  /**
   * What a principal without the scopes sees: the primitive, and a call is answered with the scopes that it
   * needs (`challenge`), or nothing (`hide`). Who lacks a role never sees it. Default `challenge`.
   */
  readonly missingScopes?: "challenge" | "hide";
  /**
   * Serves callers of whom nobody has said who they are, on a server without `auth`, as principals without
   * scopes and roles. The server warns of it. Default false: they see nothing.
   */
  readonly anonymous?: boolean;
  /** Kinds of principals whose decisions are remembered. Default 1,000; the oldest goes first. */
  readonly maxCached?: number;
}

/** A rule with its lists read. */
export interface ReadRule {
  readonly kinds: readonly string[];
  readonly names: ReadonlySet<string>;
  readonly tags: readonly string[];
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly when: PolicyRule["when"];
}

/** {@link PolicyOptions}, complete. */
export interface ResolvedPolicy {
  readonly allowsByDefault: boolean;
  readonly rules: readonly ReadRule[];
  readonly grantedScopes: GrantedScopes;
  readonly challenges: boolean;
  readonly anonymous: boolean;
  readonly maxCached: number;
}

const SUBJECT = "policy";
const KINDS: readonly string[] = [
  "tool",
  "prompt",
  "resource",
  "resource_template",
] satisfies ProtectedPrimitive["kind"][];
const KNOWN: readonly string[] = [
  "default",
  "rules",
  "scopeHierarchy",
  "missingScopes",
  "anonymous",
  "maxCached",
] satisfies (keyof PolicyOptions)[];
const RULE_KNOWN: readonly string[] = [
  "kinds",
  "names",
  "tags",
  "scopes",
  "roles",
  "when",
] satisfies (keyof PolicyRule)[];

/** @throws {TypeError} that names the option. */
export function resolvePolicy(options: PolicyOptions): ResolvedPolicy {
  checkMembers(SUBJECT, options, KNOWN);
  const { missingScopes = "challenge", anonymous = false, rules = [] } = options;
  const fallback = options.default ?? "allow";
  if (fallback !== "allow" && fallback !== "deny") {
    throw new TypeError(`${SUBJECT}: option "default" must be "allow" or "deny"`);
  }
  if (missingScopes !== "challenge" && missingScopes !== "hide") {
    throw new TypeError(`${SUBJECT}: option "missingScopes" must be "challenge" or "hide"`);
  }
  checkBoolean(SUBJECT, "anonymous", anonymous);
  if (!Array.isArray(rules)) throw new TypeError(`${SUBJECT}: option "rules" must be an array`);
  return {
    allowsByDefault: fallback === "allow",
    rules: rules.map(readRule),
    grantedScopes: grantedScopes(SUBJECT, options.scopeHierarchy),
    challenges: missingScopes === "challenge",
    anonymous,
    maxCached: wholeNumber(SUBJECT, "maxCached", options.maxCached ?? 1_000),
  };
}

function readRule(rule: PolicyRule, index: number): ReadRule {
  const option = `rules[${index}]`;
  checkMembers(`${SUBJECT}: option "${option}"`, rule, RULE_KNOWN);
  const { when } = rule;
  if (when !== undefined && typeof when !== "function") {
    throw new TypeError(`${SUBJECT}: option "${option}.when" must be a function`);
  }
  const isKind = (kind: string): boolean => KINDS.includes(kind);
  const isText = (text: string): boolean => text !== "";
  const read: ReadRule = {
    kinds: checkedList(
      SUBJECT,
      `${option}.kinds`,
      rule.kinds,
      isKind,
      `one of ${KINDS.join(", ")}`,
    ),
    names: new Set(checkedList(SUBJECT, `${option}.names`, rule.names, isText, "a name")),
    tags: checkedList(SUBJECT, `${option}.tags`, rule.tags, isText, "a tag"),
    scopes: checkedScopes(SUBJECT, `${option}.scopes`, rule.scopes),
    roles: checkedRoles(SUBJECT, `${option}.roles`, rule.roles),
    when,
  };
  if (read.scopes.length === 0 && read.roles.length === 0 && when === undefined) {
    throw new TypeError(
      `${SUBJECT}: option "${option}" demands nothing; give it "scopes", "roles" or "when"`,
    );
  }
  return read;
}
