import {
  checkBoolean,
  checkMembers,
  type HealthCheck,
  type HealthCheckResult,
  type HealthReport,
  type HealthStatus,
  wholeNumber,
} from "@backplane/protocol";
import type { Check, CheckFunction } from "./check.ts";
import { CheckRun, type CheckSettings } from "./check-run.ts";

/** What `new HealthChecker` takes. */
export interface HealthCheckerOptions {
  /** The checks by name, each a function, or one with how it counts. Default none: for a subclass. */
  readonly checks?: Readonly<Record<string, CheckFunction | Check>>;
  /**
   * How long one check may take, in milliseconds; a whole number of 1 or more. Default 2,000: below the
   * 5 seconds that a server waits for a checker.
   */
  readonly timeoutMs?: number;
  /** How long a result is given out again, in milliseconds; a whole number of 1 or more. Default 2,000. */
  readonly cacheMs?: number;
}

const MAX_CHECKS = 100;
const MEMBERS: readonly string[] = [
  "checks",
  "timeoutMs",
  "cacheMs",
] satisfies (keyof HealthCheckerOptions)[];
const CHECK_MEMBERS: readonly string[] = [
  "check",
  "critical",
  "timeoutMs",
  "cacheMs",
  "close",
] satisfies (keyof Check)[];

/**
 * Says whether what a server depends on works, for `server.addHealthChecker`. Its checks run side by side, each
 * with a deadline; results are kept for a while, so that probes cannot load what they ask about.
 *
 * Give it checks, or extend it: a subclass overrides {@link HealthChecker.checkHealth}, and may put its
 * report together with {@link HealthChecker.run}.
 */
export class HealthChecker implements HealthCheck {
  readonly #checks: Readonly<Record<string, CheckFunction | Check>>;
  readonly #timeoutMs: number;
  readonly #cacheMs: number;
  readonly #runs = new Map<string, CheckRun>();

  /** @throws {TypeError} that names the option and what it takes. */
  constructor(options: HealthCheckerOptions = {}) {
    checkMembers("HealthChecker", options, MEMBERS);
    this.#timeoutMs = wholeNumber("HealthChecker", "timeoutMs", options.timeoutMs ?? 2_000);
    this.#cacheMs = wholeNumber("HealthChecker", "cacheMs", options.cacheMs ?? 2_000);
    this.#checks = { ...options.checks };
    for (const [name, check] of Object.entries(this.#checks)) this.#runOf(name, check);
  }

  /** Runs every check. Never rejects unless a subclass does. */
  checkHealth(_signal?: AbortSignal): Promise<HealthReport> {
    return this.run(this.#checks);
  }

  /** Gives back what the checks hold. */
  close(): void {
    for (const check of Object.values(this.#checks)) {
      if (typeof check === "object") check.close?.();
    }
  }

  /**
   * Runs checks side by side, each with its deadline, and its last result while that is fresh.
   * @throws {TypeError} for a check that is neither a function nor an object with one.
   * @throws {RangeError} for more than 100 names, which are remembered.
   */
  protected async run(
    checks: Readonly<Record<string, CheckFunction | Check>>,
  ): Promise<HealthReport> {
    const results = await Promise.all(
      Object.entries(checks)
        .map(([name, given]) => ({ name, run: this.#runOf(name, given), check: functionOf(given) }))
        .map(async ({ name, run, check }) => [name, await run.result(check)] as const),
    );
    return {
      status: worst(results.map(([, { status }]) => status)),
      checks: Object.fromEntries(results) as Record<string, HealthCheckResult>,
      timestamp: new Date().toISOString(),
    };
  }

  /** The name stands for the check: a subclass makes its functions anew each time. */
  #runOf(name: string, given: CheckFunction | Check): CheckRun {
    const known = this.#runs.get(name);
    if (known !== undefined) return known;
    if (this.#runs.size >= MAX_CHECKS) {
      throw new RangeError(`HealthChecker: more than ${MAX_CHECKS} names of checks`);
    }
    const run = new CheckRun(this.#settings(name, given));
    this.#runs.set(name, run);
    return run;
  }

  #settings(name: string, given: CheckFunction | Check): CheckSettings {
    const subject = `HealthChecker: check "${name}"`;
    const {
      critical = true,
      timeoutMs,
      cacheMs,
    } = typeof given === "function" ? ({} as Partial<Check>) : given;
    if (typeof given !== "function") checkMembers(subject, given, CHECK_MEMBERS);
    if (typeof functionOf(given) !== "function") throw new TypeError(`${subject} has no function`);
    checkBoolean(subject, "critical", critical);
    return {
      critical,
      timeoutMs: wholeNumber(subject, "timeoutMs", timeoutMs ?? this.#timeoutMs),
      cacheMs: wholeNumber(subject, "cacheMs", cacheMs ?? this.#cacheMs),
    };
  }
}

function functionOf(given: CheckFunction | Check): CheckFunction {
  return typeof given === "function" ? given : given.check;
}

function worst(statuses: readonly HealthStatus[]): HealthStatus {
  if (statuses.includes("unhealthy")) return "unhealthy";
  return statuses.includes("degraded") ? "degraded" : "healthy";
}
