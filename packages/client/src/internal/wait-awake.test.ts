import { systemClock } from "@backplane/protocol";
import { createFakeClock } from "@backplane/protocol/test-suite";
import { describe, expect, it } from "vitest";
import { keepAwake } from "./wait-awake.ts";

/** Timers that keep this process alive. */
const awake = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;

describe("keepAwake", () => {
  it("keeps the process alive until its timer has run or was cancelled", () => {
    const clock = createFakeClock();
    const { after } = keepAwake(clock);
    const before = awake();
    let ran = 0;
    after(10, () => ran++);
    const cancel = after(10, () => ran++);
    expect(awake()).toBe(before + 2);
    cancel();
    expect(awake()).toBe(before + 1);
    clock.advance(10);
    expect([ran, awake()]).toEqual([1, before]);
  });

  it("does what the clock alone does not", () => {
    const before = awake();
    const cancel = systemClock.after(1_000, () => {});
    expect(awake()).toBe(before);
    cancel();
  });
});
