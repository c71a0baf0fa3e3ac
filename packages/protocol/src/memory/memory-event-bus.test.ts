import { describe, expect, it } from "vitest";
import { eventBusSuite } from "../test-suite/event-bus-suite.ts";
import { createMemoryEventBus, type MemoryEventBusOptions } from "./memory-event-bus.ts";

eventBusSuite({ describe, it, expect }, (count) => {
  const bus = createMemoryEventBus();
  return Array.from({ length: count }, () => bus);
});

describe("createMemoryEventBus", () => {
  it("rejects an option that it does not have", () => {
    const options = { onError: () => {} } as MemoryEventBusOptions;
    expect(() => createMemoryEventBus(options)).toThrow('unknown option "onError"');
  });

  it("tells what a listener threw, and where", async () => {
    const seen: unknown[] = [];
    const bus = createMemoryEventBus({
      onListenerError: (error, topic) => seen.push(error, topic),
    });
    const error = new Error("planted");
    await bus.subscribe("t", () => {
      throw error;
    });
    await bus.publish("t", "1");
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(seen).toEqual([error, "t"]);
  });

  it("refuses use after close instead of losing messages in silence", async () => {
    const bus = createMemoryEventBus();
    await bus.close();
    await bus.close();
    await expect(bus.publish("t", "1")).rejects.toThrow(/after close/);
    await expect(bus.subscribe("t", () => {})).rejects.toThrow(/after close/);
  });

  it("a message reaches only who was subscribed when it was published", async () => {
    const bus = createMemoryEventBus();
    const seen: string[] = [];
    await bus.subscribe("t", () => {});
    await bus.publish("t", "early");
    await bus.subscribe("t", (message) => seen.push(message));
    await bus.publish("t", "later");
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(seen).toEqual(["later"]);
  });
});
