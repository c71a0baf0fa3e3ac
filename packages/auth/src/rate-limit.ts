import {
  ErrorCode,
  type HealthCheck,
  type HealthCheckResult,
  type HealthReport,
  type Interceptor,
  type Invocation,
  type InvocationResult,
  MCPError,
  type Next,
  type RateLimitBucket,
  type RateLimitDecision,
} from "@backplane/protocol";
import { GuardedStore } from "./internal/guarded-store.ts";
import { limitHit } from "./internal/limit-hit.ts";
import {
  type RateLimitOptions,
  type ReadRateLimitRule,
  type ResolvedRateLimit,
  resolveRateLimit,
} from "./rate-limit-options.ts";

const NONE: readonly RateLimitBucket[] = Object.freeze([]);

/** A rate limit, to be given to `server.use`; and to `server.addHealthChecker`, which then shows its store. */
export interface RateLimiter extends Interceptor, HealthCheck {
  /** Whether the shared store is away, so that the option `onStoreFailure` decides. */
  readonly degraded: boolean;
}

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
  let servers = 0;
  return {
    name: "rate-limit",
    phase: "limit",
    attached(host) {
      servers++;
      store.wake();
      host.onStop("rate-limit", () => {
        if (--servers === 0) store.rest();
      });
    },
    get degraded() {
      return store.degraded;
    },
    checkHealth: () => reportOf(store.degraded, resolved),
    // Without `async`: a call that is counted in memory waits for its handler, and for nothing before it.
    intercept(invocation, next) {
      try {
        const buckets = bucketsOf(rules, invocation);
        if (buckets.length === 0) return next(invocation);
        const decision = store.take(buckets);
        return decision instanceof Promise
          ? decision.then((settled) => passOrRefuse(settled, invocation, next))
          : passOrRefuse(decision, invocation, next);
      } catch (error) {
        return Promise.reject(error);
      }
    },
  };
}

/** `degraded` while the store is away: calls are decided, by another rule than the one that was chosen. */
function reportOf(degraded: boolean, { onStoreFailure }: ResolvedRateLimit): HealthReport {
  const check: HealthCheckResult = degraded
    ? { status: "degraded", message: `the store is away (onStoreFailure: ${onStoreFailure})` }
    : { status: "healthy" };
  return {
    status: check.status,
    checks: { rate_limit_store: check },
    timestamp: new Date().toISOString(),
  };
}

function passOrRefuse(
  decision: RateLimitDecision,
  invocation: Invocation,
  next: Next,
): Promise<InvocationResult> {
  if (decision.allowed) return next(invocation);
  const { retryAfterMs } = decision;
  limitHit("rateLimit", invocation, retryAfterMs);
  return Promise.reject(
    new MCPError(ErrorCode.rateLimited, "Rate limit exceeded", { retryAfterMs }),
  );
}

function bucketsOf(
  rules: readonly ReadRateLimitRule[],
  invocation: Invocation,
): readonly RateLimitBucket[] {
  if (rules.length === 1) {
    const [rule] = rules as readonly [ReadRateLimitRule];
    return rule.selection.applies(invocation) ? bucketOf(rule, invocation) : NONE;
  }
  return rules
    .filter(({ selection }) => selection.applies(invocation))
    .map((rule) => bucketOf(rule, invocation)[0]);
}

function bucketOf(rule: ReadRateLimitRule, invocation: Invocation): readonly [RateLimitBucket] {
  const { selection, cost, known } = rule;
  const { principal } = invocation.context;
  const isConstant = selection.perPrincipal && !selection.perTarget && typeof cost === "number";
  if (!isConstant || principal === undefined) return [makeBucket(rule, invocation)];
  let bucket = known.get(principal);
  if (bucket === undefined) {
    bucket = [makeBucket(rule, invocation)];
    known.set(principal, bucket);
  }
  return bucket;
}

function makeBucket(rule: ReadRateLimitRule, invocation: Invocation): RateLimitBucket {
  const { name, selection } = rule;
  const { perPrincipal, perTarget } = selection;
  const own = perPrincipal && !perTarget ? invocation.context.principal?.rateLimit : undefined;
  const { limit, windowMs } = own ?? rule;
  const burst = own === undefined ? rule.burst : (own.burst ?? own.limit);
  const cost = typeof rule.cost === "number" ? rule.cost : costOf(rule.cost(invocation), burst);
  const key = name + selection.keyOf(invocation);
  // More than the bucket ever holds would never be allowed: it takes all of it.
  return { key, limit, windowMs, burst, cost: Math.min(cost, burst) };
}

/** @throws {TypeError} for what is no cost; the client sees an internal error. */
function costOf(cost: unknown, burst: number): number {
  if (typeof cost === "number" && cost > 0) return Math.min(cost, burst);
  throw new TypeError(
    `rateLimit: the function "cost" must return a number over 0, not ${String(cost)}`,
  );
}
