import { createMemoryEventBus } from "@backplane/protocol";
import { chaotic, createFakeClock } from "@backplane/protocol/test-suite";
import { describe, expect, it } from "vitest";
import { SILENT_LOGGER } from "./http/legacy-servers.test-support.ts";
import { type ControlMessage, SessionControl } from "./session-control.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const { subject: eventBus, chaos } = chaotic(createMemoryEventBus());
  const clock = createFakeClock();
  const warnings: string[] = [];
  const logger = {
    ...SILENT_LOGGER,
    warn: (_fields: object, message: string) => {
      warnings.push(message);
    },
  };
  const received: Record<string, ControlMessage[]> = { one: [], two: [] };
  const control = (serverId: string): SessionControl =>
    new SessionControl({ eventBus, logger, clock }, serverId, (message) =>
      received[serverId]?.push(message),
    );
  return { one: control("one"), two: control("two"), received, warnings, chaos, clock };
}

describe("the control topic", () => {
  it("reaches every server object but the one that speaks", async () => {
    const { one, two, received } = setUp();
    await Promise.all([one.start(), two.start(), one.start()]);
    expect(one.started).toBe(true);
    one.publish({ type: "cancel", session: "s", requestId: 7, reason: "r" });
    await turn();
    expect(received["one"]).toEqual([]);
    expect(received["two"]).toEqual([
      { from: "one", type: "cancel", session: "s", requestId: 7, reason: "r" },
    ]);
  });

  it("is left by close", async () => {
    const { one, two, received } = setUp();
    await Promise.all([one.start(), two.start()]);
    await two.close();
    expect(two.started).toBe(false);
    one.publish({ type: "end", session: "s" });
    await turn();
    expect(received["two"]).toEqual([]);
  });

  it("says once that the bus is away, tries again in time, and says it anew the next time", async () => {
    const { one, warnings, chaos, clock } = setUp();
    chaos.failNext = 1;
    await one.start();
    expect(one.started).toBe(false);
    await one.start();
    expect(one.started).toBe(false);
    expect(warnings).toHaveLength(1);
    clock.advance(1_000);
    await one.start();
    expect(one.started).toBe(true);
    for (const failNext of [2, 0, 1]) {
      chaos.failNext = failNext;
      one.publish({ type: "end", session: "s" });
      one.publish({ type: "end", session: "s" });
      await turn();
    }
    expect(warnings).toHaveLength(3);
  });
});
