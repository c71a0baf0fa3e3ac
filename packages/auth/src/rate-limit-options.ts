import {
  type Clock,
  checkMembers,
  checkMethods,
  createMemoryRateLimitStore,
  type Invocation,
  type Logger,
  monotonicClock,
  type Principal,
  type RateLimitBucket,
  type RateLimitStore,
  type SyncRateLimitStore,
  silentLogger,
  wholeNumber,
} from "@backplane/protocol";
import {
  type CallSelection,
  type ReadSelection,
  readSelection,
  SELECTION_MEMBERS,
} from "./internal/call-selection.ts";

/** So many calls in so much time. */
export interface RateLimitRule extends CallSelection {
  /** Calls in `windowMs`; a whole number of 1 or more. */
  readonly limit: number;
  /** In milliseconds; a whole number of 1 or more. */
  readonly windowMs: number;
  /** Calls that may come at once after a pause. Default `limit`. */
  readonly burst?: number;
  /** What one call takes: over 0, and `burst` at most. Default 1. */
  readonly cost?: number | ((invocation: Invocation) => number);
}

/** What `rateLimit` takes: one rule, or several that must all allow. */
export type RateLimitOptions = RateLimitCommon &
  (RateLimitRule | { readonly rules: readonly RateLimitRule[] });

/** What holds for all rules. */
export interface RateLimitCommon {
  /** Where calls are counted. Replicas share one. Default: in memory, for this process alone. */
  readonly store?: RateLimitStore;
  /**
   * When the store fails or takes too long: `local` counts in this process meanwhile, `open` lets every call
   * through, `closed` refuses every call. Default `local`.
   */
  readonly onStoreFailure?: "local" | "open" | "closed";
  /** How long the store may take, in milliseconds. Default 1,000. */
  readonly storeTimeoutMs?: number;
  /** How long a store that failed is left alone before it is tried again, by itself, in milliseconds. Default 1,000. */
  readonly storeRetryMs?: number;
  /** Learns once that the store has failed, and that it is back. Default: silent. */
  readonly logger?: Logger;
  readonly clock?: Pick<Clock, "now" | "after">;
}

/** A rule, complete. */
export interface ReadRateLimitRule {
  /** Keeps the buckets of rules apart: what it counts, so that replicas agree. */
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly burst: number;
  readonly selection: ReadSelection;
  readonly cost: number | ((invocation: Invocation) => number);
  /**
   * The bucket of each principal, where it is always the same, in the list that a store takes: its key is a
   * long text to put together.
   */
  readonly known: WeakMap<Principal, readonly [RateLimitBucket]>;
}

/** {@link RateLimitOptions}, complete. */
export interface ResolvedRateLimit {
  readonly rules: readonly ReadRateLimitRule[];
  readonly store: RateLimitStore | undefined;
  readonly local: SyncRateLimitStore;
  readonly onStoreFailure: "local" | "open" | "closed";
  readonly storeTimeoutMs: number;
  readonly storeRetryMs: number;
  readonly logger: Logger;
  readonly clock: Pick<Clock, "now" | "after">;
}

const SUBJECT = "rateLimit";
const RULE_KNOWN: readonly string[] = [
  "limit",
  "windowMs",
  "burst",
  "cost",
  ...SELECTION_MEMBERS,
] satisfies readonly string[];
const COMMON_KNOWN: readonly string[] = [
  "store",
  "onStoreFailure",
  "storeTimeoutMs",
  "storeRetryMs",
  "logger",
  "clock",
] satisfies (keyof RateLimitCommon)[];
const ON_FAILURE: readonly unknown[] = ["local", "open", "closed"];

/** @throws {TypeError} that names the option. */
export function resolveRateLimit(options: RateLimitOptions): ResolvedRateLimit {
  const several = "rules" in options;
  checkMembers(SUBJECT, options, [...COMMON_KNOWN, ...(several ? ["rules"] : RULE_KNOWN)]);
  checkMethods(SUBJECT, "store", options.store, ["take", "close"]);
  checkMethods(SUBJECT, "logger", options.logger, ["debug", "info", "warn", "error"]);
  checkMethods(SUBJECT, "clock", options.clock, ["now", "after"]);
  const { store, onStoreFailure = "local", clock = monotonicClock } = options;
  if (!ON_FAILURE.includes(onStoreFailure)) {
    throw new TypeError(`${SUBJECT}: option "onStoreFailure" must be "local", "open" or "closed"`);
  }
  return {
    rules: several ? readRules(options.rules) : [readRule(options, SUBJECT)],
    store,
    local: createMemoryRateLimitStore({ clock }),
    onStoreFailure,
    storeTimeoutMs: wholeNumber(SUBJECT, "storeTimeoutMs", options.storeTimeoutMs ?? 1_000),
    storeRetryMs: wholeNumber(SUBJECT, "storeRetryMs", options.storeRetryMs ?? 1_000),
    logger: options.logger ?? silentLogger,
    clock,
  };
}

function readRules(rules: readonly RateLimitRule[]): readonly ReadRateLimitRule[] {
  if (!Array.isArray(rules) || rules.length === 0) {
    throw new TypeError(`${SUBJECT}: option "rules" must hold at least one rule`);
  }
  const read = rules.map((rule, index) => {
    const subject = `${SUBJECT}: rules[${index}]`;
    checkMembers(subject, rule, RULE_KNOWN);
    return readRule(rule, subject);
  });
  const names = new Set(read.map(({ name }) => name));
  if (names.size < read.length) {
    throw new TypeError(
      `${SUBJECT}: two rules count the same; give each its own "methods", "targets", "tags", "per" or "windowMs"`,
    );
  }
  return read;
}

function readRule(rule: RateLimitRule, subject: string): ReadRateLimitRule {
  const { cost = 1 } = rule;
  const limit = wholeNumber(subject, "limit", rule.limit);
  const windowMs = wholeNumber(subject, "windowMs", rule.windowMs);
  const burst = wholeNumber(subject, "burst", rule.burst ?? limit);
  if (typeof cost !== "function" && !(cost > 0 && cost <= burst)) {
    throw new TypeError(
      `${subject}: option "cost" must be over 0 and at most the burst of ${burst}`,
    );
  }
  const selection = readSelection(subject, rule, ["ping"]);
  return {
    name: JSON.stringify([windowMs, ...selection.identity]),
    limit,
    windowMs,
    burst,
    selection,
    cost,
    known: new WeakMap(),
  };
}
