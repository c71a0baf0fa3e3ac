import {
  checkMembers,
  ErrorCode,
  type Interceptor,
  MCPError,
  wholeNumber,
} from "@backplane/protocol";
import {
  type CallSelection,
  type ReadSelection,
  readSelection,
  SELECTION_MEMBERS,
} from "./internal/call-selection.ts";
import { limitHit } from "./internal/limit-hit.ts";

/** So many calls at once. */
export interface ConcurrencyRule extends CallSelection {
  /** Calls that may run at once; a whole number of 1 or more. */
  readonly max: number;
}

/** What `concurrencyLimit` takes: one rule, or several that must all allow. */
export type ConcurrencyLimitOptions = {
  /** What a refused client is told to wait, in milliseconds. Default 1,000: nobody knows when a call ends. */
  readonly retryAfterMs?: number;
} & (ConcurrencyRule | { readonly rules: readonly ConcurrencyRule[] });

/** Places in use, under the name that a rule counts a call by; nothing is kept of callers without a running call. */
interface Places {
  readonly max: number;
  readonly selection: ReadSelection;
  readonly taken: Map<string, number>;
}

const SUBJECT = "concurrencyLimit";
const RULE_KNOWN: readonly string[] = ["max", ...SELECTION_MEMBERS];

/** Streams live as long as their client listens; `limits.maxStreamsPerPrincipal` of the server bounds them. */
const UNCOUNTED: readonly string[] = ["ping", "subscriptions/listen"];

/**
 * Refuses calls beyond so many at once, per principal, per tool, per group or for all together, beside
 * `rateLimit`, which counts how often they come: −1429 with `retryAfterMs`, over HTTP 429 with `Retry-After`.
 * It protects what the process has (connections, memory, a slow upstream), so it counts what runs in this
 * process, and N replicas run N times as many. A call keeps its place until its handler has settled, even
 * one that runs on after its client has gone.
 * @throws {TypeError} that names the option.
 */
export function concurrencyLimit(options: ConcurrencyLimitOptions): Interceptor {
  const retryAfterMs = wholeNumber(SUBJECT, "retryAfterMs", options.retryAfterMs ?? 1_000);
  const rules = readRules(options);
  return {
    name: "concurrency-limit",
    phase: "limit",
    async intercept(invocation, next) {
      const own = rules
        .filter(({ selection }) => selection.applies(invocation))
        .map((places) => ({ places, key: places.selection.keyOf(invocation) }));
      // All or none: a call that one rule refuses must not take the places of another.
      if (own.some(({ places, key }) => (places.taken.get(key) ?? 0) >= places.max)) {
        limitHit("concurrencyLimit", invocation, retryAfterMs);
        throw new MCPError(ErrorCode.rateLimited, "Too many calls at once", { retryAfterMs });
      }
      for (const { places, key } of own) places.taken.set(key, (places.taken.get(key) ?? 0) + 1);
      try {
        return await next(invocation);
      } finally {
        for (const { places, key } of own) release(places.taken, key);
      }
    },
  };
}

function release(taken: Map<string, number>, key: string): void {
  const left = (taken.get(key) ?? 1) - 1;
  if (left === 0) taken.delete(key);
  else taken.set(key, left);
}

function readRules(options: ConcurrencyLimitOptions): readonly Places[] {
  if (!("rules" in options)) {
    checkMembers(SUBJECT, options, [...RULE_KNOWN, "retryAfterMs"]);
    return [readRule(options, SUBJECT)];
  }
  checkMembers(SUBJECT, options, ["rules", "retryAfterMs"]);
  const { rules } = options;
  if (!Array.isArray(rules) || rules.length === 0) {
    throw new TypeError(`${SUBJECT}: option "rules" must hold at least one rule`);
  }
  return rules.map((rule, index) => {
    const subject = `${SUBJECT}: rules[${index}]`;
    checkMembers(subject, rule, RULE_KNOWN);
    return readRule(rule, subject);
  });
}

function readRule(rule: ConcurrencyRule, subject: string): Places {
  return {
    max: wholeNumber(subject, "max", rule.max),
    selection: readSelection(subject, rule, UNCOUNTED),
    taken: new Map(),
  };
}
