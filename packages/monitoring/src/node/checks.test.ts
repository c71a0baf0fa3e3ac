import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Check } from "../health/check.ts";
import { HealthChecker } from "../health/health-checker.ts";
import { diskSpaceCheck } from "./disk-space-check.ts";
import { eventLoopDelayCheck, heapCheck } from "./process-checks.ts";

async function report(check: Check) {
  return (await new HealthChecker({ checks: { it: check } }).checkHealth()).checks["it"];
}

describe("diskSpaceCheck", () => {
  it("compares what is free with either bound", async () => {
    const path = process.cwd();
    expect(await report(diskSpaceCheck({ path, minFreeBytes: 1 }))).toMatchObject({
      status: "healthy",
      freeBytes: expect.any(Number),
      freeRatio: expect.any(Number),
    });
    const enormous = Number.MAX_SAFE_INTEGER;
    expect((await report(diskSpaceCheck({ path, minFreeBytes: enormous })))?.status).toBe(
      "unhealthy",
    );
    expect((await report(diskSpaceCheck({ path, minFreeRatio: 0.9999 })))?.status).toBe(
      "unhealthy",
    );
    expect((await report(diskSpaceCheck({ path: "/nowhere/at/all" })))?.message).toContain(
      "ENOENT",
    );
  });

  it.each([
    [{ path: "" }, /"path"/],
    [{ path: "/", minFreeBytes: -1 }, /"minFreeBytes"/],
    [{ path: "/", minFreeRatio: 1 }, /"minFreeRatio"/],
    [{ path: "/", minFree: 1 }, /"minFree"/],
  ])("refuses %j", (options, message) => {
    expect(() => diskSpaceCheck(options)).toThrow(message);
  });
});

describe("eventLoopDelayCheck", () => {
  it("degrades when the loop was held up since the last check", async () => {
    const check = eventLoopDelayCheck({ maxP99Ms: 100 });
    const checker = new HealthChecker({ checks: { loop: { ...check, cacheMs: 1 } } });
    expect((await checker.checkHealth()).checks["loop"]?.message).toContain("from now on");
    await pause(50);
    const blockedUntilMs = performance.now() + 300;
    while (performance.now() < blockedUntilMs);
    await pause(50);
    const found = await checker.checkHealth();
    expect(found.status).toBe("degraded");
    expect(found.checks["loop"]?.["p99Ms"]).toBeGreaterThan(100);
    checker.close();
    await pause(5);
    expect((await checker.checkHealth()).checks["loop"]?.message).toContain("from now on");
    checker.close();
  });

  it("refuses a bound that is none", () => {
    expect(() => eventLoopDelayCheck({ maxP99Ms: 0 })).toThrow(/"maxP99Ms"/);
  });
});

describe("heapCheck", () => {
  it("compares what is used with V8's limit", async () => {
    expect(await report(heapCheck())).toMatchObject({
      status: "healthy",
      usedBytes: expect.any(Number),
      limitBytes: expect.any(Number),
    });
    expect((await report(heapCheck({ maxUsedRatio: 0.000_001 })))?.status).toBe("degraded");
    expect(() => heapCheck({ maxUsedRatio: 2 })).toThrow(/"maxUsedRatio"/);
  });
});
