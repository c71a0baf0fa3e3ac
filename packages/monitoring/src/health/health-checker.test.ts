import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { HealthChecker, type HealthCheckerOptions } from "./health-checker.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Time passes for the checker. */
function later(ms: number): void {
  const now = performance.now();
  vi.spyOn(performance, "now").mockReturnValue(now + ms);
}

describe("HealthChecker", () => {
  it("reports in the shape of the guide", async () => {
    const checker = new HealthChecker({ checks: { database: () => {}, cache: async () => true } });
    expect(await checker.checkHealth()).toEqual({
      status: "healthy",
      checks: {
        database: { status: "healthy", durationMs: expect.any(Number) },
        cache: { status: "healthy", durationMs: expect.any(Number) },
      },
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
  });

  it.each<[HealthCheckerOptions["checks"] & object, string]>([
    [{ a: () => false }, "unhealthy"],
    [{ a: { check: () => false, critical: true } }, "unhealthy"],
    [{ a: { check: () => false, critical: false } }, "degraded"],
    [{ a: () => ({ status: "degraded" as const }) }, "degraded"],
    [{ a: { check: () => false, critical: false }, b: () => false }, "unhealthy"],
    [{}, "healthy"],
  ])("%j is %s", async (checks, status) => {
    expect((await new HealthChecker({ checks }).checkHealth()).status).toBe(status);
  });

  it("runs its checks side by side", async () => {
    let started = 0;
    let release: () => void = () => {};
    const all = new Promise<void>((resolve) => {
      release = resolve;
    });
    const check = (): Promise<void> => {
      if (++started === 3) release();
      return all;
    };
    const found = await new HealthChecker({
      checks: { a: check, b: check, c: check },
    }).checkHealth();
    expect(found.status).toBe("healthy");
  });

  it("keeps a result for cacheMs, and never runs a check twice at once", async () => {
    const check = vi.fn(async () => true);
    const checker = new HealthChecker({ checks: { a: check }, cacheMs: 1_000 });
    await Promise.all(Array.from({ length: 10 }, () => checker.checkHealth()));
    await checker.checkHealth();
    expect(check).toHaveBeenCalledTimes(1);
    later(1_001);
    await checker.checkHealth();
    expect(check).toHaveBeenCalledTimes(2);
  });

  it("gives up on a check that hangs, tells it, and asks it ever less often", async () => {
    vi.useFakeTimers();
    const signals: AbortSignal[] = [];
    const hang = (signal: AbortSignal): Promise<never> => {
      signals.push(signal);
      return new Promise(() => {});
    };
    const checker = new HealthChecker({
      checks: { slow: hang, quick: () => true },
      timeoutMs: 100,
      cacheMs: 1,
    });
    const first = checker.checkHealth();
    await vi.advanceTimersByTimeAsync(100);
    expect(await first).toMatchObject({
      status: "unhealthy",
      checks: {
        slow: { status: "unhealthy", message: "no answer within 100 ms" },
        quick: { status: "healthy" },
      },
    });
    expect(signals[0]?.aborted).toBe(true);
    // Probed every 100 ms for a minute, it was started a few times and not 600.
    for (let probe = 0; probe < 600; probe++) {
      const found = checker.checkHealth();
      await vi.advanceTimersByTimeAsync(100);
      expect((await found).status).toBe("unhealthy");
    }
    expect(signals.length).toBeGreaterThan(3);
    expect(signals.length).toBeLessThan(12);
  });

  it("finds one that hung and answers again", async () => {
    vi.useFakeTimers();
    let hangs = true;
    const checker = new HealthChecker({
      checks: {
        a: (signal) =>
          hangs
            ? new Promise((_resolve, reject) => signal.addEventListener("abort", reject))
            : undefined,
      },
      timeoutMs: 100,
      cacheMs: 1,
    });
    const first = checker.checkHealth();
    await vi.advanceTimersByTimeAsync(100);
    expect((await first).status).toBe("unhealthy");
    hangs = false;
    await vi.advanceTimersByTimeAsync(201);
    expect((await checker.checkHealth()).status).toBe("healthy");
  });

  it("shows why a check threw, on one line and without credentials", async () => {
    const cause = new Error("connect to redis://user:hunter2@host");
    const checker = new HealthChecker({
      checks: {
        a: () => {
          throw new TypeError("fetch failed", { cause });
        },
        b: () => Promise.reject("a string"),
        c: () =>
          Promise.reject(
            new Proxy(
              {},
              {
                get: () => {
                  throw new Error("trap");
                },
              },
            ),
          ),
        d: () => Promise.reject(new Error("x".repeat(1_000_000))),
      },
    });
    const { checks } = await checker.checkHealth();
    expect(checks["a"]?.message).toBe("fetch failed: connect to redis://[redacted]@host");
    expect(checks["b"]?.message).toBe("the check failed");
    expect(checks["c"]?.message).toBe("the check failed");
    expect(checks["d"]?.message?.length).toBeLessThan(400);
  });

  it("makes bounded JSON of whatever a check answers, and trusts no status but its own three", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.anything({ withBigInt: true, withDate: true, withMap: true }),
        async (answer) => {
          const checker = new HealthChecker({ checks: { a: () => answer as never } });
          const { status, checks } = await checker.checkHealth();
          expect(["healthy", "degraded", "unhealthy"]).toContain(checks["a"]?.status);
          expect(status).toBe(checks["a"]?.status);
          expect(JSON.stringify(checks).length).toBeLessThan(20_000);
          if (answer !== undefined && answer !== true) expect(status).not.toBe("healthy");
        },
      ),
      { numRuns: 200 },
    );
  });

  it("measures how long a check took itself", async () => {
    const check = (): never => ({ status: "healthy", durationMs: -5, detail: 1 }) as never;
    const { checks } = await new HealthChecker({ checks: { a: check } }).checkHealth();
    expect(checks["a"]?.durationMs).toBeGreaterThanOrEqual(0);
    expect(checks["a"]).toMatchObject({ detail: 1 });
  });

  it("can be extended as in the guide, and lends its deadlines to who extends it", async () => {
    class ByHand extends HealthChecker {
      override async checkHealth() {
        const checks = { database: { status: "healthy" as const } };
        return { status: "healthy" as const, checks, timestamp: new Date(0).toISOString() };
      }
    }
    expect((await new ByHand().checkHealth()).checks).toHaveProperty("database");

    class Guided extends HealthChecker {
      limit = 1;
      override checkHealth() {
        const { limit } = this;
        return this.run({ queue: () => ({ status: "healthy", limit }) });
      }
    }
    const guided = new Guided({ cacheMs: 1 });
    expect((await guided.checkHealth()).checks["queue"]).toMatchObject({ limit: 1 });
    guided.limit = 2;
    later(10);
    expect((await guided.checkHealth()).checks["queue"]).toMatchObject({ limit: 2 });
  });

  it("remembers a bounded number of names", async () => {
    class Growing extends HealthChecker {
      count = 0;
      override checkHealth() {
        return this.run({ [`check ${this.count++}`]: () => true });
      }
    }
    const growing = new Growing();
    for (let n = 0; n < 100; n++) await growing.checkHealth();
    await expect(growing.checkHealth()).rejects.toThrow(RangeError);
  });

  it("closes what its checks hold", () => {
    const close = vi.fn();
    new HealthChecker({ checks: { a: { check: () => true, close }, b: () => true } }).close();
    expect(close).toHaveBeenCalledOnce();
  });

  it.each<[unknown, RegExp]>([
    [{ timeout: 5 }, /"timeout"/],
    [{ timeoutMs: 0 }, /"timeoutMs"/],
    [{ cacheMs: 1.5 }, /"cacheMs"/],
    [{ checks: { a: {} } }, /check "a" has no function/],
    [{ checks: { a: "x" } }, /check "a"/],
    [{ checks: { a: { check: () => true, critical: "no" } } }, /"critical"/],
    [{ checks: { a: { check: () => true, timeoutMs: -1 } } }, /"timeoutMs"/],
    [{ checks: { a: { check: () => true, tags: 1 } } }, /"tags"/],
  ])("refuses %j", (options, message) => {
    expect(() => new HealthChecker(options as HealthCheckerOptions)).toThrow(message);
  });
});
