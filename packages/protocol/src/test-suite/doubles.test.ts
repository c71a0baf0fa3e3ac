import { describe, expect, it } from "vitest";
import { createMemorySessionStore } from "../memory/memory-session-store.ts";
import type { SessionRecord } from "../seams/session-store.ts";
import { ChaosError, chaotic } from "./chaotic.ts";
import { createFakeClock } from "./fake-clock.ts";

describe("createFakeClock", () => {
  it("stands still until it is moved", () => {
    const clock = createFakeClock(5);
    expect(clock.now()).toBe(5);
    clock.advance(10);
    expect(clock.now()).toBe(15);
  });

  it("runs timers in the order of their times, each at its own", () => {
    const clock = createFakeClock(0);
    const seen: string[] = [];
    clock.after(20, () => seen.push(`b at ${clock.now()}`));
    clock.after(10, () => {
      seen.push(`a at ${clock.now()}`);
      clock.after(5, () => seen.push(`nested at ${clock.now()}`));
    });
    clock.after(20, () => seen.push(`c at ${clock.now()}`));
    clock.after(31, () => seen.push("never"));
    clock.advance(30);
    expect(seen).toEqual(["a at 10", "nested at 15", "b at 20", "c at 20"]);
    expect(clock.now()).toBe(30);
    expect(clock.pendingTimers).toBe(1);
  });

  it("cancels", () => {
    const clock = createFakeClock(0);
    let ran = false;
    const cancel = clock.after(1, () => {
      ran = true;
    });
    cancel();
    clock.advance(2);
    expect(ran).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  it("does not go back", () => {
    expect(() => createFakeClock().advance(-1)).toThrow(/turn time back/);
    expect(() => createFakeClock().advance(Number.NaN)).toThrow(RangeError);
  });
});

describe("chaotic", () => {
  const record: SessionRecord = {
    id: "a",
    principalKey: "",
    revision: "2025-11-25",
    clientInfo: undefined,
    clientCapabilities: {},
    initialized: false,
    logLevel: undefined,
    subscriptions: [],
    createdAtMs: 0,
  };
  const limits = { ttlMs: 1_000, evictIdleMs: 0 };

  it("passes calls through when no fault is set", async () => {
    const { subject, failures } = chaotic(createMemorySessionStore());
    expect(await subject.create(record, limits)).toBe(true);
    expect(await subject.get("a", 1_000)).toEqual(record);
    expect(failures()).toBe(0);
  });

  it("fails the next calls without acting, then goes on", async () => {
    const { subject, chaos, failures } = chaotic(createMemorySessionStore());
    chaos.failNext = 2;
    await expect(subject.create(record, limits)).rejects.toThrow(ChaosError);
    await expect(subject.count()).rejects.toThrow(/"count"/);
    expect(await subject.count()).toBe(0);
    expect(failures()).toBe(2);
  });

  it("loses the answer of a call that acted", async () => {
    const { subject } = chaotic(createMemorySessionStore(), { failNext: 1, failWhen: "after" });
    await expect(subject.create(record, limits)).rejects.toThrow(ChaosError);
    expect(await subject.count()).toBe(1);
  });

  it("fails at the rate asked for, repeatably by seed", async () => {
    const pattern = async (seed: number): Promise<string> => {
      const { subject } = chaotic(createMemorySessionStore(), { failRate: 0.3, seed });
      let text = "";
      for (let call = 0; call < 200; call++) {
        text += await subject.count().then(
          () => ".",
          () => "x",
        );
      }
      return text;
    };
    const first = await pattern(7);
    expect(await pattern(7)).toBe(first);
    expect(await pattern(8)).not.toBe(first);
    const failed = first.split("x").length - 1;
    expect(failed).toBeGreaterThan(30);
    expect(failed).toBeLessThan(90);
  });

  it("answers with what another call was answered", async () => {
    const { subject, chaos, lies } = chaotic(createMemorySessionStore());
    await subject.create(record, limits);
    await subject.create({ ...record, id: "b" }, limits);
    expect((await subject.get("a", 1_000))?.id).toBe("a");
    chaos.lieRate = 1;
    expect((await subject.get("b", 1_000))?.id).toBe("a");
    expect(lies()).toBe(1);
  });

  it("delays, and never fails close", async () => {
    const { subject } = chaotic(createMemorySessionStore(), { failRate: 1, delayMs: 20 });
    const startMs = performance.now();
    await subject.close();
    expect(performance.now() - startMs).toBeGreaterThan(15);
  });
});
