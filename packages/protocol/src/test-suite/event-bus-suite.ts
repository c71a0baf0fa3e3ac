import type { EventBus } from "../seams/event-bus.ts";
import { eventually, type SuiteRunner } from "./runner.ts";

/** Buses that reach each other, as those of several replicas do, each used by one of them. */
export type MakeBuses = (count: number) => readonly EventBus[] | Promise<readonly EventBus[]>;

/**
 * The contract of {@link EventBus}. `makeBuses` returns ends of one new bus; an implementation that is
 * itself shared by its users, as the one in memory, returns the same object `count` times.
 */
export function eventBusSuite(runner: SuiteRunner, makeBuses: MakeBuses): void {
  const { describe, it, expect } = runner;

  const test = (name: string, body: (here: EventBus, there: EventBus) => Promise<void>) =>
    it(name, async () => {
      const buses = await makeBuses(2);
      try {
        await body(buses[0] as EventBus, buses[1] as EventBus);
      } finally {
        for (const bus of new Set(buses)) await bus.close();
      }
    });

  /** Publishes a last message and waits for it: whatever was sent before has arrived by then. */
  const settle = async (bus: EventBus, topic: string): Promise<void> => {
    let arrived = false;
    const remove = await bus.subscribe(topic, (message) => {
      if (message === "settle") arrived = true;
    });
    await bus.publish(topic, "settle");
    expect(await eventually(() => arrived)).toBe(true);
    await remove();
  };

  describe("EventBus", () => {
    test("reaches every listener, at the publisher's own end and elsewhere", async (here, there) => {
      const seen: string[] = [];
      await here.subscribe("t", (message) => void seen.push(`here ${message}`));
      await there.subscribe("t", (message) => void seen.push(`there ${message}`));
      await here.publish("t", '{"text":"ünï ✓"}');
      expect(await eventually(() => seen.length >= 2)).toBe(true);
      await settle(here, "t");
      expect(seen.filter((text) => !text.includes("settle")).sort()).toEqual([
        'here {"text":"ünï ✓"}',
        'there {"text":"ünï ✓"}',
      ]);
    });

    test("never calls a listener inside publish", async (here) => {
      let calls = 0;
      await here.subscribe("t", () => void calls++);
      const published = here.publish("t", "1");
      expect(calls).toBe(0);
      await published;
      expect(await eventually(() => calls === 1)).toBe(true);
    });

    test("keeps the order of a publisher's messages on a topic", async (here, there) => {
      const seen: string[] = [];
      await there.subscribe("t", (message) => void seen.push(message));
      const sent = Array.from({ length: 100 }, (_, index) => String(index));
      await Promise.all(sent.map((message) => here.publish("t", message)));
      expect(await eventually(() => seen.length >= sent.length)).toBe(true);
      expect(seen).toEqual(sent);
    });

    test("keeps topics apart, whatever their names", async (here, there) => {
      const seen: string[] = [];
      for (const topic of ["a", "a:b", "a*", "__proto__", "[a]", "A", "ü"]) {
        await there.subscribe(topic, (message) => void seen.push(`${topic} ${message}`));
      }
      await here.publish("a*", "1");
      await here.publish("a:b", "2");
      await here.publish("__proto__", "3");
      await here.publish("nobody listens", "4");
      await here.publish("ü", "5");
      expect(await eventually(() => seen.length >= 4)).toBe(true);
      expect(seen.sort()).toEqual(["__proto__ 3", "a* 1", "a:b 2", "ü 5"]);
    });

    test("a listener that throws disturbs neither the others nor later messages", async (here) => {
      const seen: string[] = [];
      await here.subscribe("t", () => {
        throw new Error("planted");
      });
      await here.subscribe("t", (message) => void seen.push(message));
      await here.publish("t", "1");
      await here.publish("t", "2");
      expect(await eventually(() => seen.length >= 2)).toBe(true);
      expect(seen).toEqual(["1", "2"]);
    });

    test("a removed listener hears nothing more; removal is idempotent", async (here, there) => {
      const seen: string[] = [];
      const listener = (message: string): void => void seen.push(message);
      const removeFirst = await there.subscribe("t", listener);
      await there.subscribe("t", (message) => void seen.push(`other ${message}`));
      await removeFirst();
      await removeFirst();
      await here.publish("t", "1");
      expect(await eventually(() => seen.length >= 1)).toBe(true);
      await settle(there, "t");
      expect(seen.filter((text) => !text.includes("settle"))).toEqual(["other 1"]);
    });

    test("the same function subscribed twice is two listeners", async (here) => {
      const seen: string[] = [];
      const listener = (message: string): void => void seen.push(message);
      const remove = await here.subscribe("t", listener);
      await here.subscribe("t", listener);
      await here.publish("t", "1");
      expect(await eventually(() => seen.length >= 2)).toBe(true);
      await remove();
      await here.publish("t", "2");
      expect(await eventually(() => seen.length >= 3)).toBe(true);
      await settle(here, "t");
      expect(seen.filter((text) => text !== "settle")).toEqual(["1", "1", "2"]);
    });

    test("nothing from before the subscription arrives", async (here, there) => {
      const seen: string[] = [];
      await here.publish("t", "before");
      await settle(there, "t");
      await there.subscribe("t", (message) => void seen.push(message));
      await here.publish("t", "after");
      expect(await eventually(() => seen.length >= 1)).toBe(true);
      expect(seen).toEqual(["after"]);
    });

    test("a listener may publish and unsubscribe while it is called", async (here) => {
      const seen: string[] = [];
      const remove = await here.subscribe("t", (message) => {
        seen.push(message);
        if (message === "1") void here.publish("t", "2");
        if (message === "2") void remove();
      });
      await here.publish("t", "1");
      expect(await eventually(() => seen.length >= 2)).toBe(true);
      await settle(here, "t");
      expect(seen).toEqual(["1", "2"]);
    });

    test("after close no listener is called, not even for what was on its way", async (here, there) => {
      const seen: string[] = [];
      let closed = false;
      await here.subscribe("t", (message) => {
        if (closed) seen.push(message);
      });
      await here.publish("t", "on its way");
      await here.close();
      closed = true;
      // A bus that is one object for all its users is closed by now, and refuses.
      if (there !== here) await there.publish("t", "late");
      await new Promise<void>((resolve) => setTimeout(resolve, 20));
      expect(seen).toEqual([]);
    });
  });
}
