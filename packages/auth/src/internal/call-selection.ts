import {
  type Invocation,
  type Principal,
  principalKey,
  type RequestContext,
  sha256,
} from "@backplane/protocol";
import { checkedList } from "./permissions.ts";

/**
 * What is counted apart: each principal, each tool, prompt, resource or resource template, or each pair of
 * them. All resources of a template are one target: a URI can be spelt in many ways.
 */
export type RateLimitDimension = "principal" | "target";

/** Which calls a limit is about, and which of them it counts together. */
export interface CallSelection {
  /**
   * What is counted apart. Default `["principal"]`; `["principal", "target"]` is a limit for each tool of each
   * principal, `"server"` one for all together. A principal's own quota (an API key's `rateLimit`) replaces
   * a rate limit per principal.
   */
  readonly per?: readonly RateLimitDimension[] | "server";
  /** Methods that are counted. Default all but `ping`, and for limits of what runs at once the streams. */
  readonly methods?: readonly string[];
  /** Names of tools and prompts, URIs and URI templates of resources that are counted; with `per` lacking `target`, as one group. Default all. */
  readonly targets?: readonly string[];
  /**
   * Tags, of which the addressed tool, prompt or resource has one to be counted; with `per` lacking
   * `target`, as one group. Default whatever its tags.
   */
  readonly tags?: readonly string[];
}

/** The members of {@link CallSelection}, for checks of misspelt ones. */
export const SELECTION_MEMBERS: readonly string[] = [
  "per",
  "methods",
  "targets",
  "tags",
] satisfies (keyof CallSelection)[];

/** {@link CallSelection}, read once. */
export interface ReadSelection {
  /** What it selects and how, as text: the same in every replica. */
  readonly identity: readonly unknown[];
  readonly perPrincipal: boolean;
  readonly perTarget: boolean;
  applies(invocation: Invocation): boolean;
  /** Under which name the call is counted. */
  keyOf(invocation: Invocation): string;
}

/** A target in a key is clipped to its digest: a URI may be of any length. */
const MAX_PLAIN_TARGET = 128;

/**
 * @param uncounted methods that are left out unless they are named.
 * @throws {TypeError} that names the option.
 */
export function readSelection(
  subject: string,
  selection: CallSelection,
  uncounted: readonly string[],
): ReadSelection {
  const per = selection.per ?? ["principal"];
  const dimensions =
    per === "server"
      ? []
      : checkedList(subject, "per", per, isDimension, '"principal" or "target"');
  const list = (option: "methods" | "targets" | "tags", noun: string) =>
    selection[option] && checkedList(subject, option, selection[option], isText, noun);
  const methods = list("methods", "a method");
  const targets = list("targets", "a name");
  const tags = list("tags", "a tag");
  const without = new Set(uncounted);
  const named = methods && new Set(methods);
  const among = targets && new Set(targets);
  const grouped = tags && new Set(tags);
  const perPrincipal = dimensions.includes("principal");
  const perTarget = dimensions.includes("target");
  return {
    identity: [[...dimensions].sort(), methods ?? 0, targets ?? 0, ...(tags ? [tags] : [])],
    perPrincipal,
    perTarget,
    applies({ method, target, primitive = target, tags: own }) {
      if (named === undefined ? without.has(method) : !named.has(method)) return false;
      if (among !== undefined && (primitive === undefined || !among.has(primitive))) return false;
      return grouped === undefined || own?.some((tag) => grouped.has(tag)) === true;
    },
    keyOf({ context, target, primitive = target }) {
      // Lengths first, so that no name can be made to look like another pair.
      const caller = perPrincipal ? callerKey(context) : "";
      return `${caller.length}:${caller}${perTarget ? targetKey(primitive) : ""}`;
    },
  };
}

function isDimension(text: string): boolean {
  return text === "principal" || text === "target";
}

function isText(text: string): boolean {
  return text !== "";
}

function targetKey(target: string | undefined): string {
  if (target === undefined) return "";
  return target.length <= MAX_PLAIN_TARGET ? `=${target}` : `#${sha256(target)}`;
}

const keys = new WeakMap<Principal, string>();

/** Digested where it is long or an identity provider chose it: a store may be read by others. */
function callerKey({ principal, transport }: RequestContext): string {
  if (principal === undefined) return `address ${networkOf(transport.remoteAddress)}`;
  let key = keys.get(principal);
  if (key === undefined) {
    key = sha256(principalKey(principal));
    keys.set(principal, key);
  }
  return key;
}

/** Whoever has one IPv6 address has 2^64 of them. */
function networkOf(address: string | undefined): string {
  if (address === undefined) return "";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(":")) return mapped ?? address;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = tail === undefined ? 0 : 8 - left.length - right.length;
  const all = [...left, ...Array<string>(Math.max(missing, 0)).fill("0"), ...right];
  return `${all
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, "").toLowerCase())
    .join(":")}::/64`;
}
