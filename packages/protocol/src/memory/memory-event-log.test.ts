import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventLogSuite } from "../test-suite/event-log-suite.ts";
import { createFakeClock } from "../test-suite/fake-clock.ts";
import { createMemoryEventLog, type MemoryEventLogOptions } from "./memory-event-log.ts";

eventLogSuite({ describe, it, expect }, createMemoryEventLog);

describe("createMemoryEventLog", () => {
  it.each([
    "maxEventsPerStream",
    "maxBytesPerStream",
    "maxStreams",
    "maxTotalBytes",
    "retentionMs",
  ])("rejects %s below 1 by name", (name) => {
    const make = () => createMemoryEventLog({ [name]: 0 });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(`"${name}"`);
  });

  it("rejects an option that it does not have", () => {
    const options = { maxStream: 5 } as MemoryEventLogOptions;
    expect(() => createMemoryEventLog(options)).toThrow('unknown option "maxStream"');
  });

  it("makes room with ended streams first, then with the quietest", async () => {
    const log = createMemoryEventLog({ maxStreams: 3 });
    await log.append("quiet", "1");
    await log.append("busy", "1");
    await log.append("ended", "1");
    await log.end("ended");
    await log.append("fourth", "1");
    expect(await log.read("ended", undefined)).toBe(undefined);
    await log.append("busy", "2");
    await log.append("fifth", "1");
    expect(await log.read("quiet", undefined)).toBe(undefined);
    expect((await log.read("busy", undefined))?.events).toHaveLength(2);
  });

  it("bounds all streams together and keeps the one that was just written", async () => {
    const log = createMemoryEventLog({ maxTotalBytes: 100, maxBytesPerStream: 80 });
    await log.append("a", "x".repeat(60));
    const id = await log.append("b", "x".repeat(60));
    expect(await log.read("a", undefined)).toBe(undefined);
    expect((await log.read("b", undefined))?.events.map((event) => event.id)).toEqual([id]);
  });

  it("a reader who had everything that was dropped has lost nothing", async () => {
    const log = createMemoryEventLog({ maxEventsPerStream: 2 });
    const first = await log.append("s", "1");
    await log.append("s", "2");
    await log.append("s", "3");
    expect((await log.read("s", first))?.events.map((event) => event.data)).toEqual(["2", "3"]);
  });

  it("sets no timer", async () => {
    const clock = createFakeClock();
    const log = createMemoryEventLog({ clock });
    await log.append("s", "1");
    expect(clock.pendingTimers).toBe(0);
  });

  it("replays exactly the missed suffix or says that it cannot", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 12 }), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 4, max: 60 }),
        fc.nat(),
        async (texts, maxEventsPerStream, maxBytesPerStream, pick) => {
          const log = createMemoryEventLog({ maxEventsPerStream, maxBytesPerStream });
          const ids: string[] = [];
          for (const text of texts) ids.push(await log.append("s", text));
          const index = pick % ids.length;
          const replay = await log.read("s", ids[index]);
          if (replay !== undefined) {
            expect(replay.events.map((event) => event.data)).toEqual(texts.slice(index + 1));
          } else {
            // Only a loss excuses it.
            const following = texts.slice(index);
            const bytes = following.join("").length;
            expect(following.length > maxEventsPerStream || bytes > maxBytesPerStream).toBe(true);
          }
        },
      ),
    );
  });
});
