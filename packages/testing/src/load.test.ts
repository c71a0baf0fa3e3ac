import { ToolExecutionError } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { type LoadOptions, loadTool, runLoad } from "./index.ts";
import { weatherServer } from "./weather-server.test-support.ts";

describe("runLoad", () => {
  it("makes the calls that it was told, so many at once, after a warm-up", async () => {
    const indices: number[] = [];
    let [open, most] = [0, 0];
    const report = await runLoad(
      async (index) => {
        indices.push(index);
        most = Math.max(most, ++open);
        await new Promise((resolve) => setImmediate(resolve));
        open--;
      },
      { calls: 20, concurrency: 4, warmupCalls: 3 },
    );
    expect(indices).toHaveLength(23);
    expect(indices.slice(3).sort((a, b) => a - b)).toEqual([...Array(20).keys()]);
    expect(most).toBe(4);
    expect(report).toMatchObject({ calls: 20, failures: 0, errors: {} });
    const { min, p50, p90, p95, p99, p999, max } = report.latencyMs;
    const order = [min, p50, p90, p95, p99, p999, max];
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(min).toBeGreaterThan(0);
    expect(report.perSecond).toBeGreaterThan(0);
  });

  it("counts failures by their code, and times only what succeeded", async () => {
    const report = await runLoad(
      async (index) => {
        if (index % 4 === 0) throw new ToolExecutionError(-2001, "down");
        if (index % 4 === 1) throw new TypeError("wrong");
        if (index % 4 === 2) await Promise.reject(undefined);
      },
      { calls: 40 },
    );
    expect(report).toMatchObject({
      calls: 40,
      failures: 30,
      errors: { "-2001": 10, TypeError: 10, Error: 10 },
    });
    const nothing = await runLoad(() => Promise.reject(new Error("no")), { calls: 3 });
    expect(nothing).toMatchObject({ perSecond: 0, latencyMs: { min: 0, p99: 0, max: 0 } });
  });

  it("bounds how many kinds of errors it tells apart", async () => {
    const act = async (index: number) => Promise.reject(new ToolExecutionError(index, "no"));
    const { errors } = await runLoad(act, { calls: 200 });
    expect(Object.keys(errors)).toHaveLength(51);
    expect(errors["other"]).toBe(150);
  });

  it("keeps a rate, and counts a call's time from when it was due", async () => {
    let stalled = false;
    const report = await runLoad(
      async () => {
        if (stalled) return;
        stalled = true;
        // Nothing else runs meanwhile: the calls that were due are made late.
        const until = performance.now() + 60;
        while (performance.now() < until);
      },
      { calls: 20, ratePerSecond: 1_000 },
    );
    expect(report.calls).toBe(20);
    // More than half of the calls were due in the first half of the stall.
    expect(report.latencyMs.p50).toBeGreaterThan(30);
  });

  it("ends with its time, and with its signal", async () => {
    const timed = await runLoad(() => new Promise((resolve) => setTimeout(resolve, 1)), {
      durationMs: 30,
      concurrency: 2,
    });
    expect(timed.calls).toBeGreaterThan(0);
    const controller = new AbortController();
    const stopped = await runLoad(
      async (index) => {
        if (index === 9) controller.abort();
      },
      { signal: controller.signal, concurrency: 1 },
    );
    expect(stopped.calls).toBe(10);
  });

  it.each([
    [{ concurrency: 0 }, "concurrency"],
    [{ ratePerSecond: 0 }, "ratePerSecond"],
    [{ ratePerSecond: 5, concurrency: 5 }, "not both"],
    [{ calls: 1.5 }, "calls"],
    [{ durationMs: -1 }, "durationMs"],
    [{ warmupCalls: -1 }, "warmupCalls"],
    [{ rps: 5 }, "rps"],
  ])("refuses %j", async (options, says) => {
    await expect(runLoad(async () => {}, options as LoadOptions)).rejects.toThrow(says);
  });
});

describe("loadTool", () => {
  it.each(["memory", "http"] as const)("calls a tool over %s", async (transport) => {
    const server = weatherServer();
    const report = await loadTool(server, "get_weather", {
      calls: 50,
      clients: 3,
      arguments: (index) => ({ location: `city ${index}` }),
      client: { transport },
    });
    expect(report).toMatchObject({ calls: 50, failures: 0 });
    await server.stop();
  });

  it("takes a failed tool for a failure", async () => {
    const report = await loadTool(weatherServer, "fail", { calls: 5 });
    expect(report).toMatchObject({ calls: 5, failures: 5, errors: { "-2001": 5 } });
  });

  it("refuses what it does not know", async () => {
    await expect(loadTool(weatherServer, "fail", { clients: 0 })).rejects.toThrow("clients");
    await expect(loadTool(weatherServer, "fail", { rps: 1 } as never)).rejects.toThrow("rps");
  });
});
