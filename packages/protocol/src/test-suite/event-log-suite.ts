import type { EventLog } from "../seams/event-log.ts";
import { type PassTime, rejection, type SuiteContext, type SuiteRunner } from "./runner.ts";
import { timedTests } from "./timed-tests.ts";

/** The bounds that the suite asks of the log it is given. */
export interface EventLogSuiteContext extends SuiteContext {
  readonly maxEventsPerStream: number;
  readonly maxBytesPerStream: number;
  readonly retentionMs: number;
}

/** For logs whose time cannot be moved. */
export interface EventLogSuiteOptions {
  /** By default the fake clock is moved. */
  readonly passTime?: PassTime;
}

const BOUNDS = { maxEventsPerStream: 5, maxBytesPerStream: 1_000, retentionMs: 1_000 };

/** The contract of {@link EventLog}. Each test gets its own log from `makeLog`, empty, and closes it. */
export function eventLogSuite(
  runner: SuiteRunner,
  makeLog: (context: EventLogSuiteContext) => EventLog | Promise<EventLog>,
  options: EventLogSuiteOptions = {},
): void {
  const { describe, expect } = runner;

  const test = timedTests(
    runner,
    (context) => makeLog({ ...context, ...BOUNDS }),
    options.passTime,
  );

  const texts = async (
    log: EventLog,
    streamId: string,
    after?: string,
  ): Promise<readonly string[] | undefined> =>
    (await log.read(streamId, after))?.events.map((event) => event.data);

  describe("EventLog", () => {
    test("replays all, oldest first, with the ids that append gave", async (log) => {
      const first = await log.append("s", '{"n":1}');
      const second = await log.append("s", '{"text":"ünï ✓"}');
      expect(await log.read("s", undefined)).toEqual({
        events: [
          { id: first, data: '{"n":1}' },
          { id: second, data: '{"text":"ünï ✓"}' },
        ],
        ended: false,
      });
    });

    test("replays what follows an id, and nothing after the last", async (log) => {
      const ids: string[] = [];
      for (const data of ["1", "2", "3"]) ids.push(await log.append("s", data));
      expect(await texts(log, "s", ids[0])).toEqual(["2", "3"]);
      expect(await texts(log, "s", ids[1])).toEqual(["3"]);
      expect(await log.read("s", ids[2])).toEqual({ events: [], ended: false });
    });

    test("a priming event, which is empty, counts like any other", async (log) => {
      const priming = await log.append("s", "");
      await log.append("s", "1");
      expect(await texts(log, "s")).toEqual(["", "1"]);
      expect(await texts(log, "s", priming)).toEqual(["1"]);
    });

    test("ids are unique, and concurrent appends keep the order of the calls", async (log) => {
      const ids = await Promise.all(["1", "2", "3", "4"].map((data) => log.append("s", data)));
      expect(new Set(ids).size).toBe(4);
      expect(await texts(log, "s")).toEqual(["1", "2", "3", "4"]);
      expect(await texts(log, "s", ids[1])).toEqual(["3", "4"]);
    });

    test("streams are apart: an id of one says nothing in another", async (log) => {
      await log.append("s", "1");
      const other = await log.append("t", "2");
      await log.append("s", "3");
      expect(await texts(log, "s")).toEqual(["1", "3"]);
      expect(await texts(log, "t")).toEqual(["2"]);
      expect(await log.read("s", other)).toBe(undefined);
    });

    test("unknown streams and ids that were never given are undefined", async (log) => {
      await log.append("s", "1");
      expect(await log.read("t", undefined)).toBe(undefined);
      for (const id of ["", "0", "-1", "999999", "1e3", "nonsense", "\u0000", "9".repeat(400)]) {
        expect(await log.read("s", id)).toBe(undefined);
      }
    });

    test("an ended stream says so, can be replayed, and takes no more", async (log) => {
      const id = await log.append("s", "1");
      await log.append("s", "2");
      await log.end("s");
      await log.end("s");
      expect((await log.read("s", undefined))?.ended).toBe(true);
      expect(await texts(log, "s", id)).toEqual(["2"]);
      expect((await rejection(log.append("s", "3"))) instanceof Error).toBe(true);
      expect(await texts(log, "s", id)).toEqual(["2"]);
    });

    test("ending an unknown stream is no error and makes none", async (log) => {
      await log.end("s");
      expect(await log.read("s", undefined)).toBe(undefined);
    });

    test("deleted streams are forgotten; unknown ones are ignored", async (log) => {
      await log.append("s", "1");
      await log.append("t", "2");
      await log.end("t");
      await log.append("kept", "3");
      await log.delete(["s", "nobody", "t"]);
      await log.delete([]);
      expect(await log.read("s", undefined)).toBe(undefined);
      expect(await log.read("t", undefined)).toBe(undefined);
      expect(await texts(log, "kept")).toEqual(["3"]);
    });

    test("an id of a deleted stream is not valid in a new one of the same name", async (log) => {
      const old = await log.append("s", "1");
      await log.delete(["s"]);
      await log.append("s", "2");
      await log.append("s", "3");
      expect(await log.read("s", old)).toBe(undefined);
    });

    test("past the event bound the oldest go, and a reader who needs them is told", async (log) => {
      const ids: string[] = [];
      for (let n = 1; n <= 8; n++) ids.push(await log.append("s", String(n)));
      expect(await log.read("s", undefined)).toBe(undefined);
      expect(await log.read("s", ids[0])).toBe(undefined);
      expect(await texts(log, "s", ids[4])).toEqual(["6", "7", "8"]);
    });

    test("past the byte bound the oldest go, and a reader who needs them is told", async (log) => {
      const ids: string[] = [];
      for (const data of ["a", "b", "c"]) ids.push(await log.append("s", data.repeat(400)));
      expect(await log.read("s", undefined)).toBe(undefined);
      expect(await texts(log, "s", ids[1])).toEqual(["c".repeat(400)]);
    });

    test("an event larger than the bound leaves no silent gap", async (log) => {
      const before = await log.append("s", "1");
      await log.append("s", "x".repeat(5_000));
      const after = await log.append("s", "2");
      expect(await log.read("s", before)).toBe(undefined);
      expect(await log.read("s", undefined)).toBe(undefined);
      expect(await texts(log, "s", after)).toEqual([]);
    });

    test("a stream is kept for the retention after its last event or end", async (log, pass) => {
      await log.append("quiet", "1");
      await log.append("busy", "1");
      await pass(BOUNDS.retentionMs * 0.75);
      await log.append("busy", "2");
      await log.append("ended", "1");
      await log.end("ended");
      await pass(BOUNDS.retentionMs * 0.5);
      expect(await log.read("quiet", undefined)).toBe(undefined);
      expect(await texts(log, "busy")).toEqual(["1", "2"]);
      expect((await log.read("ended", undefined))?.ended).toBe(true);
      await pass(BOUNDS.retentionMs * 0.75);
      expect(await log.read("busy", undefined)).toBe(undefined);
      expect(await log.read("ended", undefined)).toBe(undefined);
    });
  });
}
