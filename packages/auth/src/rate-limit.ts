import {
  ErrorCode,
  type Interceptor,
  type Invocation,
  MCPError,
  principalKey,
  type RateLimitBucket,
  type RequestContext,
  sha256,
} from "@backplane/protocol";
import { GuardedStore } from "./internal/guarded-store.ts";
import {
  type RateLimitOptions,
  type ReadRateLimitRule,
  resolveRateLimit,
} from "./rate-limit-options.ts";

/** A rate limit, to be given to `server.use`. */
export interface RateLimiter extends Interceptor {
  /** Whether the shared store is away, so that the option `onStoreFailure` decides. */
  readonly degraded: boolean;
}

/** A target in a key is clipped to its digest: a URI may be of any length. */
const MAX_PLAIN_TARGET = 128;

/**
 * Refuses calls that come too often, per principal, per tool, or for all together (spec: server/tools,
 * server/utilities/completion): −1429 with `retryAfterMs`, over HTTP 429 with `Retry-After`. Evenly refilled
 * buckets (GCRA), so that nobody can call twice the limit around the edge of a window.
 *
 * It runs after authentication and policy and before caches. Callers without a principal are counted by
 * their address, of IPv6 by their network of 64 bits.
 * @throws {TypeError} that names the option.
 */
export function rateLimit(options: RateLimitOptions): RateLimiter {
  const resolved = resolveRateLimit(options);
  const store = new GuardedStore(resolved);
  const { rules } = resolved;
  return {
    name: "rate-limit",
    phase: "limit",
    get degraded() {
      return store.degraded;
    },
    async intercept(invocation, next) {
      const buckets: RateLimitBucket[] = [];
      for (const rule of rules) {
        if (applies(rule, invocation)) buckets.push(bucketOf(rule, invocation));
      }
      if (buckets.length === 0) return next(invocation);
      const decision = await store.take(buckets);
      if (!decision.allowed) {
        const { retryAfterMs } = decision;
        throw new MCPError(ErrorCode.rateLimited, "Rate limit exceeded", { retryAfterMs });
      }
      return next(invocation);
    },
  };
}

function applies({ methods, targets }: ReadRateLimitRule, { method, target }: Invocation): boolean {
  if (methods === undefined ? method === "ping" : !methods.has(method)) return false;
  return targets === undefined || (target !== undefined && targets.has(target));
}

function bucketOf(rule: ReadRateLimitRule, invocation: Invocation): RateLimitBucket {
  const { context, target } = invocation;
  const { name, perPrincipal, perTarget } = rule;
  const own = perPrincipal && !perTarget ? context.principal?.rateLimit : undefined;
  const { limit, windowMs } = own ?? rule;
  const burst = own === undefined ? rule.burst : (own.burst ?? own.limit);
  const cost = typeof rule.cost === "number" ? rule.cost : costOf(rule.cost(invocation), burst);
  const key = keyOf(
    name,
    perPrincipal ? callerKey(context) : "",
    perTarget ? targetKey(target) : "",
  );
  // More than the bucket ever holds would never be allowed: it takes all of it.
  return { key, limit, windowMs, burst, cost: Math.min(cost, burst) };
}

/** Lengths first, so that no name can be made to look like another pair. */
function keyOf(rule: string, caller: string, target: string): string {
  return `${rule}${caller.length}:${caller}${target}`;
}

function targetKey(target: string | undefined): string {
  if (target === undefined) return "";
  return target.length <= MAX_PLAIN_TARGET ? `=${target}` : `#${sha256(target)}`;
}

const keys = new WeakMap<object, string>();

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

/** @throws {TypeError} for what is no cost; the client sees an internal error. */
function costOf(cost: unknown, burst: number): number {
  if (typeof cost === "number" && cost > 0) return Math.min(cost, burst);
  throw new TypeError(
    `rateLimit: the function "cost" must return a number over 0, not ${String(cost)}`,
  );
}
