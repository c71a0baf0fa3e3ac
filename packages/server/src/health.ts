import {
  type Clock,
  clip,
  type HealthCheck,
  type HealthCheckResult,
  type HealthReport,
  type HealthStatus,
  isJsonObject,
  type Logger,
  redact,
  redactText,
  within,
} from "@backplane/protocol";

/** How long a health checker may take: below the time-outs of probes, which are seconds. */
const CHECK_MS = 5_000;

/** How long a report is given out again: probes are public, and must not load what they ask about. */
const FRESH_MS = 1_000;

/** What is shown of a check, whatever it holds: circles, megabytes and credentials included. */
const SHOWN = { maxDepth: 3, maxEntries: 50, maxTextLength: 300 } as const;
const MAX_CHECKS = 100;
const MAX_NAME_LENGTH = 100;

const SEVERITY: readonly HealthStatus[] = ["healthy", "degraded", "unhealthy"];

/** The checkers of a server, asked together: one report, never more than one round at a time. */
export class Health {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #checkers = new Set<HealthCheck>();
  #running: Promise<HealthReport> | undefined;
  #last: { readonly report: HealthReport; readonly atMs: number } | undefined;
  /** What the log said last. */
  #announced = "";

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** @returns what takes it off again. */
  add(checker: HealthCheck): () => void {
    if (typeof (checker as HealthCheck | null)?.checkHealth !== "function") {
      throw new TypeError("addHealthChecker: a health checker needs the method checkHealth");
    }
    this.#checkers.add(checker);
    this.#last = undefined;
    return () => {
      this.#checkers.delete(checker);
      this.#last = undefined;
    };
  }

  get empty(): boolean {
    return this.#checkers.size === 0;
  }

  /** Never rejects. */
  report(): Promise<HealthReport> {
    const last = this.#last;
    if (last !== undefined && Math.abs(performance.now() - last.atMs) < FRESH_MS) {
      return Promise.resolve(last.report);
    }
    this.#running ??= this.#ask().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #ask(): Promise<HealthReport> {
    const checkers = [...this.#checkers];
    const reports = await Promise.all(checkers.map(reportOf));
    const report = merge(reports, new Date(this.#clock.now()).toISOString());
    // A checker that came or went meanwhile is asked by the next probe.
    if (checkers.length === this.#checkers.size) this.#last = { report, atMs: performance.now() };
    this.#announce(report);
    return report;
  }

  /** A part that fails is news once, not with every probe. */
  #announce({ status, checks }: HealthReport): void {
    const failing = Object.entries(checks).filter(([, check]) => check.status !== "healthy");
    const news = JSON.stringify(failing.map(([name, check]) => [name, check.status]));
    const before = this.#announced;
    this.#announced = news;
    if (failing.length > 0 && news !== before) {
      this.#logger.warn({ status, checks: Object.fromEntries(failing) }, "a health check fails");
    } else if (failing.length === 0 && before !== "" && before !== "[]") {
      this.#logger.info({ status }, "every health check passes again");
    }
  }
}

async function reportOf(checker: HealthCheck): Promise<HealthReport> {
  const controller = new AbortController();
  const name = checker.constructor?.name ?? "checker";
  try {
    let report: HealthReport | undefined;
    const work = (async () => {
      report = await checker.checkHealth(controller.signal);
    })();
    // Its end after the deadline interests nobody.
    work.catch(() => {});
    if (!(await within(CHECK_MS, work))) {
      controller.abort(new DOMException("the health check took too long", "TimeoutError"));
      return failed(name, `no report within ${CHECK_MS} ms`);
    }
    return isReport(report) ? report : failed(name, "answered something that is no health report");
  } catch {
    return failed(name, "threw instead of reporting");
  }
}

function isReport(value: unknown): value is HealthReport {
  return (
    isJsonObject(value) &&
    isStatus(value.status) &&
    isJsonObject(value.checks) &&
    Object.values(value.checks).every((check) => isJsonObject(check) && isStatus(check.status))
  );
}

function isStatus(value: unknown): value is HealthStatus {
  return SEVERITY.includes(value as HealthStatus);
}

function failed(name: string, message: string): HealthReport {
  return {
    status: "unhealthy",
    checks: { [name]: { status: "unhealthy", message } },
    timestamp: "",
  };
}

function merge(reports: readonly HealthReport[], timestamp: string): HealthReport {
  const checks: Record<string, HealthCheckResult> = Object.create(null);
  let worst = 0;
  for (const report of reports) {
    worst = Math.max(worst, SEVERITY.indexOf(report.status));
    for (const [given, check] of Object.entries(report.checks).slice(0, MAX_CHECKS)) {
      // A checker may let its status stand above a check's, but not call the whole healthy.
      if (check.status !== "healthy") worst = Math.max(worst, 1);
      const name = clip(redactText(given, MAX_NAME_LENGTH), MAX_NAME_LENGTH);
      let free = name;
      for (let n = 2; free in checks; n++) free = `${name}#${n}`;
      checks[free] = { ...(redact(check, SHOWN) as object), status: check.status };
    }
  }
  return { status: SEVERITY[worst] as HealthStatus, checks, timestamp };
}
