import {
  clip,
  type HealthCheckResult,
  type HealthStatus,
  isJsonObject,
  redact,
  redactText,
  within,
} from "@backplane/protocol";
import type { CheckFunction } from "./check.ts";

/** Longest pause between two runs while earlier ones still hang. */
const MAX_PAUSE_MS = 60_000;

/** What is shown of a check: enough for a reason and some figures. */
const SHOWN = { maxDepth: 3, maxEntries: 20, maxTextLength: 300 } as const;

const STATUSES: readonly HealthStatus[] = ["healthy", "degraded", "unhealthy"];

/** How a check counts, complete. */
export interface CheckSettings {
  readonly critical: boolean;
  readonly timeoutMs: number;
  readonly cacheMs: number;
}

/** One check over time: never two runs at once, fresh results kept, what hangs asked ever less often. */
export class CheckRun {
  readonly #settings: CheckSettings;
  #running: Promise<HealthCheckResult> | undefined;
  #last: HealthCheckResult | undefined;
  /** Until when the last result is given out. */
  #freshUntilMs = 0;
  /** Runs that were given up and have not ended since. */
  #hanging = 0;

  constructor(settings: CheckSettings) {
    this.#settings = settings;
  }

  /** Never rejects. */
  result(check: CheckFunction): Promise<HealthCheckResult> {
    if (this.#running !== undefined) return this.#running;
    if (this.#last !== undefined && performance.now() < this.#freshUntilMs) {
      return Promise.resolve(this.#last);
    }
    this.#running = this.#run(check).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(check: CheckFunction): Promise<HealthCheckResult> {
    const { critical, timeoutMs, cacheMs } = this.#settings;
    const startedAtMs = performance.now();
    const controller = new AbortController();
    let found: HealthCheckResult | undefined;
    const work = (async () => {
      try {
        found = resultOf(await check(controller.signal));
      } catch (error) {
        found = { status: "unhealthy", message: reasonOf(error) };
      }
    })();
    const inTime = await within(timeoutMs, work);
    let pauseMs = cacheMs;
    if (!inTime) {
      controller.abort(new DOMException("the check took too long", "TimeoutError"));
      this.#hanging++;
      void work.then(() => this.#hanging--);
      // A neighbour in trouble is not helped by ever more questions that it cannot answer.
      pauseMs = Math.max(cacheMs, Math.min(MAX_PAUSE_MS, timeoutMs * 2 ** this.#hanging));
    }
    const result = found ?? { status: "unhealthy", message: `no answer within ${timeoutMs} ms` };
    const durationMs = Math.round((performance.now() - startedAtMs) * 10) / 10;
    // Last, so that what a check says of itself cannot stand for what was measured.
    this.#last = {
      ...result,
      ...(result.status === "unhealthy" && !critical && { status: "degraded" as const }),
      durationMs,
    };
    this.#freshUntilMs = performance.now() + pauseMs;
    return this.#last;
  }
}

function resultOf(outcome: unknown): HealthCheckResult {
  if (outcome === undefined || outcome === true) return { status: "healthy" };
  if (outcome === false) return { status: "unhealthy" };
  const { status } = isJsonObject(outcome) ? outcome : { status: undefined };
  if (!isJsonObject(outcome) || !STATUSES.includes(status as HealthStatus)) {
    return { status: "unhealthy", message: "the check answered something that is no result" };
  }
  // Whatever it holds becomes plain, bounded JSON: circles, megabytes and credentials included.
  return { ...(redact(outcome, SHOWN) as object), status: status as HealthStatus };
}

/** The message of what was thrown, and of what caused it: `fetch failed` alone says nothing. */
function reasonOf(error: unknown): string {
  try {
    const { message, cause } = error as { message?: unknown; cause?: unknown };
    const reasons = [message, (cause as { message?: unknown } | undefined)?.message];
    const text = reasons.filter((each) => typeof each === "string" && each !== "").join(": ");
    return clip(redactText(text === "" ? "the check failed" : text, 2_000), SHOWN.maxTextLength);
  } catch {
    // Anything can be thrown, even what throws when it is looked at.
    return "the check failed";
  }
}
