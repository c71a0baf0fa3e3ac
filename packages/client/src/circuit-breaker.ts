import {
  type Clock,
  checkMembers,
  ErrorCode,
  type MCPError,
  monotonicClock,
  wholeNumber,
} from "@backplane/protocol";
import { type ClientErrorCode, MCPClientError } from "./errors.ts";

const SUBJECT = "CircuitBreaker";
const BUCKETS = 10;

/** `closed`: everything passes. `open`: nothing does. `half-open`: a few probes do. */
export type CircuitState = "closed" | "open" | "half-open";

/** When requests to a target are refused because it fails. */
export interface CircuitBreakerOptions {
  /** The time in milliseconds that is looked back on. Default 10,000. */
  readonly windowMs: number;
  /** Calls in the window below which nothing is concluded. Default 20. */
  readonly minCalls: number;
  /** Share of failed calls in the window that opens the circuit. Above 0, at most 1. Default 0.5. */
  readonly failureRatio: number;
  /** How long nothing passes once open, in milliseconds; up to a tenth more by chance. Default 5,000. */
  readonly openMs: number;
  /** Probes that may run at once while half-open. Default 1. */
  readonly maxProbes: number;
  /** Probes that have to succeed before the circuit closes; one that fails opens it again. Default 2. */
  readonly closeAfter: number;
  /** Called at each change. Must not throw. */
  readonly onStateChange?: (state: CircuitState, previous: CircuitState) => void;
}

const DEFAULTS: Required<Omit<CircuitBreakerOptions, "onStateChange">> = {
  windowMs: 10_000,
  minCalls: 20,
  failureRatio: 0.5,
  openMs: 5_000,
  maxProbes: 1,
  closeAfter: 2,
};

/** What the breaker needs of its surroundings. */
export interface CircuitBreakerParts {
  /** For messages: the host, the command. */
  readonly target: string;
  /** Monotonic; default the process's. */
  readonly clock?: Pick<Clock, "now">;
  readonly random?: () => number;
}

/**
 * Failures of the target. Whatever else it answered shows that it works: invalid params, tool errors, 4xx,
 * rate limits, and also -32603, since one broken tool must not lock out the others.
 */
const FAILURES: ReadonlySet<ClientErrorCode | number> = new Set<ClientErrorCode | number>([
  "connection_failed",
  "connection_lost",
  "timeout",
  "invalid_response",
  ErrorCode.unavailable,
  // The caller waited it out, just as with its own timeout.
  ErrorCode.deadlineExceeded,
]);

/** Says nothing of the target: the request did not get there, or what came back was not waited for. */
const NO_VERDICT: ReadonlySet<ClientErrorCode | number> = new Set<ClientErrorCode | number>([
  "aborted",
  "closed",
  "circuit_open",
  "overloaded",
  "acquire_timeout",
  "not_supported",
  "response_too_large",
]);

/**
 * Refuses requests to one target while most of them fail, and lets it recover. Counts in a rolling window of
 * buckets, without timers: `admit` and `record` are a few additions.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  readonly #target: string;
  readonly #clock: Pick<Clock, "now">;
  readonly #random: () => number;
  readonly #bucketMs: number;
  readonly #callsIn: number[] = new Array(BUCKETS).fill(0);
  readonly #failuresIn: number[] = new Array(BUCKETS).fill(0);
  #calls = 0;
  #failures = 0;
  /** The bucket's place in time: now divided by its length. */
  #tick = 0;
  #state: CircuitState = "closed";
  #epoch = 0;
  #openUntilMs = 0;
  #probes = 0;
  #successes = 0;

  /** @throws {TypeError} that names the option. */
  constructor(
    options: Partial<CircuitBreakerOptions>,
    { target, clock = monotonicClock, random = Math.random }: CircuitBreakerParts,
  ) {
    this.#options = resolveOptions(options);
    this.#target = target;
    this.#clock = clock;
    this.#random = random;
    this.#bucketMs = this.#options.windowMs / BUCKETS;
  }

  /** Goes from `open` to `half-open` with the first request after `openMs`. */
  get state(): CircuitState {
    return this.#state;
  }

  /**
   * Which state an attempt was admitted in, read right after {@link admit}. A verdict from an earlier one is
   * not heard: requests that hung before the target recovered must not open the circuit again.
   */
  get epoch(): number {
    return this.#epoch;
  }

  /** Asks for one attempt, which has to end in {@link record} or {@link abandon}. @returns why not. */
  admit(): MCPClientError | undefined {
    return this.#state === "closed" ? undefined : this.#admitProbe();
  }

  /** The attempt ended: `failure` is the error, undefined an answer. */
  record(failure: MCPError | MCPClientError | undefined, epoch: number): void {
    if (epoch !== this.#epoch) return;
    const failed = failure !== undefined && isFailure(failure);
    if (failure !== undefined && !failed && NO_VERDICT.has(failure.code)) {
      this.abandon(epoch);
      return;
    }
    if (this.#state === "closed") this.#count(failed);
    else if (failed) this.#open();
    else {
      this.#probes--;
      if (++this.#successes >= this.#options.closeAfter) this.#close();
    }
  }

  /** The attempt ended without telling anything of the target. */
  abandon(epoch: number): void {
    if (epoch === this.#epoch && this.#state === "half-open") this.#probes--;
  }

  #admitProbe(): MCPClientError | undefined {
    if (this.#state === "open") {
      const leftMs = this.#openUntilMs - this.#clock.now();
      if (leftMs > 0) return this.#refusal("most requests to it failed", Math.ceil(leftMs));
      this.#probes = 0;
      this.#successes = 0;
      this.#become("half-open");
    }
    if (this.#probes >= this.#options.maxProbes) {
      return this.#refusal("it is being probed after failures", undefined);
    }
    this.#probes++;
    return undefined;
  }

  #count(failed: boolean): void {
    const tick = Math.floor(this.#clock.now() / this.#bucketMs);
    if (tick !== this.#tick) this.#turnTo(tick);
    const bucket = tick % BUCKETS;
    this.#callsIn[bucket] = (this.#callsIn[bucket] as number) + 1;
    this.#calls++;
    if (!failed) return;
    this.#failuresIn[bucket] = (this.#failuresIn[bucket] as number) + 1;
    this.#failures++;
    const { minCalls, failureRatio } = this.#options;
    if (this.#calls >= minCalls && this.#failures >= failureRatio * this.#calls) this.#open();
  }

  /** Empties the buckets that the window has moved over. */
  #turnTo(tick: number): void {
    const steps = Math.min(tick - this.#tick, BUCKETS);
    this.#tick = tick;
    for (let step = 0; step < steps; step++) {
      const bucket = (tick - step) % BUCKETS;
      this.#calls -= this.#callsIn[bucket] as number;
      this.#failures -= this.#failuresIn[bucket] as number;
      this.#callsIn[bucket] = 0;
      this.#failuresIn[bucket] = 0;
    }
  }

  #open(): void {
    const { openMs } = this.#options;
    // By chance longer: the processes that saw the same outage do not probe in the same moment.
    this.#openUntilMs = this.#clock.now() + openMs * (1 + this.#random() / 10);
    this.#become("open");
  }

  #close(): void {
    this.#callsIn.fill(0);
    this.#failuresIn.fill(0);
    this.#calls = 0;
    this.#failures = 0;
    this.#become("closed");
  }

  #become(state: CircuitState): void {
    const previous = this.#state;
    this.#state = state;
    this.#epoch++;
    this.#options.onStateChange?.(state, previous);
  }

  #refusal(why: string, retryAfterMs: number | undefined): MCPClientError {
    return new MCPClientError(
      "circuit_open",
      `not sent: the circuit of ${this.#target} is ${this.#state}, because ${why}`,
      { retryAfterMs, details: { state: this.#state } },
    );
  }
}

function isFailure(error: MCPError | MCPClientError): boolean {
  if (FAILURES.has(error.code)) return true;
  return error.code === "http_status" && ((error as MCPClientError).status as number) >= 500;
}

function resolveOptions(given: Partial<CircuitBreakerOptions>): CircuitBreakerOptions {
  checkMembers(SUBJECT, given, [...Object.keys(DEFAULTS), "onStateChange"]);
  const options = { ...DEFAULTS, ...given };
  const { failureRatio, onStateChange } = options;
  for (const option of ["windowMs", "minCalls", "openMs", "maxProbes", "closeAfter"] as const) {
    wholeNumber(SUBJECT, option, options[option]);
  }
  if (typeof failureRatio !== "number" || !(failureRatio > 0 && failureRatio <= 1)) {
    throw new TypeError(
      `${SUBJECT}: option "failureRatio" must be a number above 0 and at most 1, not ${String(failureRatio)}`,
    );
  }
  if (onStateChange !== undefined && typeof onStateChange !== "function") {
    throw new TypeError(`${SUBJECT}: option "onStateChange" must be a function`);
  }
  return options;
}
