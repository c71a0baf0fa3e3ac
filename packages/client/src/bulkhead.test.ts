import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bulkhead, type BulkheadOptions, type QueuedEntry } from "./bulkhead.ts";
import { MCPClientError } from "./errors.ts";

describe("options of Bulkhead", () => {
  it.each<[string, object, RegExp]>([
    ["an unknown one", { max: 1 }, /unknown option "max"; known: maxConcurrent, maxQueued/],
    ["no place", { maxConcurrent: 0 }, /"maxConcurrent" must be a whole number of 1 or more/],
    ["half a place", { maxConcurrent: 1.5 }, /"maxConcurrent" must be a whole number/],
    ["a negative queue", { maxQueued: -1 }, /"maxQueued" must be a whole number of 0 or more/],
    ["an endless queue", { maxQueued: Number.POSITIVE_INFINITY }, /"maxQueued".*not Infinity/],
  ])("refuse %s, naming it", (_what, options, message) => {
    expect(() => new Bulkhead(options as BulkheadOptions)).toThrow(message);
  });
});

describe("Bulkhead", () => {
  it("lets so many in, queues so many, refuses the next and says why", () => {
    const bulkhead = new Bulkhead({ maxConcurrent: 1, maxQueued: 1 });
    expect(bulkhead.enter()).toBeUndefined();
    expect(bulkhead.enter()).toHaveProperty("entered");
    const refusal = bulkhead.enter();
    expect(refusal).toMatchObject({ code: "overloaded", details: { running: 1, queued: 1 } });
    expect((refusal as MCPClientError).message).toContain("maxConcurrent 1, maxQueued 1");
    bulkhead.leave();
    expect(bulkhead).toMatchObject({ running: 1, queued: 0 });
  });

  it("refuses at once when nothing may wait", () => {
    const bulkhead = new Bulkhead({ maxConcurrent: 1, maxQueued: 0 });
    expect(bulkhead.enter()).toBeUndefined();
    expect(bulkhead.enter()).toMatchObject({ code: "overloaded" });
    bulkhead.leave();
    expect(bulkhead.enter()).toBeUndefined();
  });

  it("says when it is empty", async () => {
    const bulkhead = new Bulkhead({ maxConcurrent: 1 });
    await bulkhead.whenEmpty();
    for (let round = 0; round < 2; round++) {
      bulkhead.enter();
      const place = bulkhead.enter() as QueuedEntry;
      let empty = false;
      const both = Promise.all([bulkhead.whenEmpty(), bulkhead.whenEmpty()]);
      void both.then(() => {
        empty = true;
      });
      bulkhead.leave();
      await place.entered;
      expect(empty).toBe(false);
      bulkhead.leave();
      await both;
      expect(empty).toBe(true);
    }
  });

  it("never holds more than it allows, and serves those that wait in their order", async () => {
    const step = fc.constantFrom("enter", "leave", "cancel-first", "cancel-last");
    const sizes = { maxConcurrent: fc.integer({ min: 1, max: 4 }), maxQueued: fc.nat({ max: 4 }) };
    await fc.assert(
      fc.asyncProperty(fc.record(sizes), fc.array(step, { maxLength: 60 }), async (size, steps) => {
        const bulkhead = new Bulkhead(size);
        let running = 0;
        const waiting: { place: QueuedEntry; name: number }[] = [];
        const entered: number[] = [];
        let lastName = 0;
        for (const act of steps) {
          if (act === "enter") {
            const place = bulkhead.enter();
            const name = ++lastName;
            if (place === undefined) {
              running++;
              expect(running).toBeLessThanOrEqual(size.maxConcurrent);
            } else if (MCPClientError.isInstance(place)) {
              expect(running).toBe(size.maxConcurrent);
              expect(waiting).toHaveLength(size.maxQueued);
            } else {
              waiting.push({ place, name });
              void place.entered.then(() => entered.push(name));
            }
          } else if (act === "leave") {
            if (running === 0) continue;
            const next = waiting.shift();
            bulkhead.leave();
            await Promise.resolve();
            if (next === undefined) running--;
            else expect(entered.pop()).toBe(next.name);
            expect(entered).toEqual([]);
            // Too late: it is inside.
            next?.place.cancel();
          } else {
            const gone = act === "cancel-first" ? waiting.shift() : waiting.pop();
            gone?.place.cancel();
            gone?.place.cancel();
          }
          expect(bulkhead).toMatchObject({ running, queued: waiting.length });
        }
      }),
    );
  });
});
