import type { HealthCheckResult } from "@backplane/protocol";

/**
 * What a check may answer: a result; nothing or `true` for healthy; `false` for unhealthy. A throw is
 * unhealthy, and its message, without credentials, is the reason shown.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is a check
export type CheckOutcome = HealthCheckResult | boolean | undefined | void;

/**
 * Finds out how one thing is. What it throws is an unhealthy result.
 * @param signal fires when the check's time is over.
 */
export type CheckFunction = (signal: AbortSignal) => CheckOutcome | Promise<CheckOutcome>;

/** One check with how it counts. */
export interface Check {
  readonly check: CheckFunction;
  /** Whether a failure makes the whole unhealthy; otherwise it is degraded, and still gets traffic. Default true. */
  readonly critical?: boolean;
  /** How long it may take, in milliseconds. Default: the checker's `timeoutMs`. */
  readonly timeoutMs?: number;
  /** How long its result is given out again, in milliseconds. Default: the checker's `cacheMs`. */
  readonly cacheMs?: number;
  /** Gives back what the check holds, such as a timer. */
  readonly close?: () => void;
}
